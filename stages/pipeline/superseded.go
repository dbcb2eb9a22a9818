package pipeline

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// checkSuperseded refuses a run that would deploy an older commit over a newer
// one: the branch has moved on, and the run of its head has succeeded. Runs queue
// in the order in which they were asked for, but a delivery may come late, and
// an old run may be submitted again.
func (d Deps) checkSuperseded(ctx context.Context, frame stage.Frame, in Input) error {
	if d.Head == nil || in.Repository == "" || in.Prefix == "" {
		return nil
	}
	head, err := d.Head(ctx, frame, in)
	if err != nil {
		return fmt.Errorf("looking for a newer commit of %s: %w", in.Branch, err)
	}
	if head == "" || head == in.Commit {
		return nil
	}
	deployed, err := d.succeeded(ctx, plan.FirstRun(in.Prefix, head), plan.FormerFirstRun(in.Prefix, head))
	if err != nil || !deployed {
		return err
	}
	return errs.Failedf("commit %s is superseded: %s is at %s, which is deployed already", in.Commit, in.Branch, head).
		WithHint("to go back to an older state, push a commit that reverts: git revert")
}

// succeeded says whether the run of one of these names succeeded, and where it
// handed over, whether the run that went on did.
func (d Deps) succeeded(ctx context.Context, runs ...string) (bool, error) {
	records := stage.Records{Bucket: d.Bucket}
	record, err := records.First(ctx, runs...)
	if err == nil && record != nil && record.HandedOver != "" {
		record, err = records.Of(ctx, record.HandedOver)
	}
	return record != nil && record.Status == "Succeeded", err
}
