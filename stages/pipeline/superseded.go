package pipeline

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// compared reads what the commit declares, refuses a commit that other runs have
// overtaken, and stores which environments wait for an approval. It returns the input with
// what follows from that, and the newest run.
func (d Deps) compared(ctx context.Context, frame stage.Frame, in Input) (_ Input, declared *config.Config, newest inventory.Ordered, err error) {
	head, err := d.checkSuperseded(ctx, frame, in)
	if err != nil {
		return in, nil, newest, err
	}
	declared, digest, err := d.declared(ctx, frame, in)
	if err != nil {
		return in, nil, newest, err
	}
	in.ConfigDigest = digest // the template of an earlier version passes none
	stored, err := d.stored(ctx, in)
	if err != nil {
		return in, nil, newest, err
	}
	if newest, err = d.checkOrder(ctx, frame, in, declared, stored, head); err != nil {
		return in, nil, newest, err
	}
	in = in.hold(frame, declared, stored)
	return in, declared, newest, d.keepApprovals(ctx, in, declared, stored)
}

// checkSuperseded rejects a run that would deploy an older commit over a newer
// one: the branch has a new head whose run has succeeded. A webhook delivery may be
// late, and an old run may be resubmitted. It returns the head, if there is one.
func (d Deps) checkSuperseded(ctx context.Context, frame stage.Frame, in Input) (head string, err error) {
	if d.Head == nil || in.Repository == "" || in.Prefix == "" {
		return "", nil
	}
	if head, err = d.Head(ctx, frame, in); err != nil {
		return "", fmt.Errorf("reading the head of %s: %w", in.Branch, err)
	}
	if head == "" || head == in.Commit {
		return head, nil
	}
	deployed, err := d.succeeded(ctx, plan.FirstRun(in.Prefix, head), plan.FormerFirstRun(in.Prefix, head))
	if err != nil || !deployed {
		return head, err
	}
	return head, errs.Supersededf("commit %s is superseded: %s is at %s, which is already deployed", in.Commit, in.Branch, head).
		WithHint("to go back to an older state: generator rollback ENVIRONMENT; or push a revert: git revert")
}

// succeeded reports whether the run of one of these names succeeded, or, if it
// handed over, its successor. One with nothing to do did: what is deployed is as its commit
// wants it, and a commit before it would change that.
func (d Deps) succeeded(ctx context.Context, runs ...string) (bool, error) {
	records := stage.Records{Bucket: d.Bucket}
	record, err := records.First(ctx, runs...)
	if err == nil && record != nil && record.HandedOver != "" {
		record, err = records.Of(ctx, record.HandedOver)
	}
	return record != nil && (record.Succeeded() || record.Skipped()), err
}
