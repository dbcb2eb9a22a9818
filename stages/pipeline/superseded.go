package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/fault"
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
	deployed, err := d.succeeded(ctx, in.Bucket, in.Prefix+head)
	if err != nil || !deployed {
		return err
	}
	return fault.Failedf("commit %s is superseded: %s is at %s, which is deployed already", in.Commit, in.Branch, head).
		WithHint("to go back to an older state, push a commit that reverts: git revert")
}

// succeeded says whether there is a record of a run of that name, and whether
// the run succeeded.
func (d Deps) succeeded(ctx context.Context, bucket, run string) (bool, error) {
	key := stage.RunRecordKey(run)
	keys, err := d.List(ctx, bucket, key)
	if err != nil {
		return false, fmt.Errorf("looking for the record of run %q: %w", run, err)
	}
	if len(keys) == 0 || keys[0] != key {
		return false, nil
	}
	data, err := d.Get(ctx, bucket, key)
	if err != nil {
		return false, fmt.Errorf("reading the record of run %q: %w", run, err)
	}
	var record struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return false, fault.Failedf("reading the record of run %q: %w", run, err)
	}
	return record.Status == "Succeeded", nil
}
