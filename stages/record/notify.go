package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Notifier reports a finished run to one target, such as a bucket or a chat.
type Notifier interface {
	// Notify is called in every attempt of the stage, so the same run may be reported twice.
	Notify(ctx context.Context, run Document) error
}

// notify reports the run to every target, also after one that fails.
func (d Deps) notify(ctx context.Context, run Document) error {
	var failed error
	for _, target := range d.Notifiers {
		failed = errors.Join(failed, target.Notify(ctx, run))
	}
	return failed
}

// InBucket is the Notifier that stores the record of a run and the last deployed
// commit in the artifact bucket.
type InBucket struct{ Bucket bucket.Bucket }

// Notify stores the record, and the commit if the run deployed it.
func (n InBucket) Notify(ctx context.Context, run Document) error {
	data, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the record of run %q: %w", run.Workflow, err)
	}
	if err := n.Bucket.Put(ctx, bucket.RunRecordKey(run.Workflow), data); err != nil {
		return fmt.Errorf("storing the record of run %q: %w", run.Workflow, err)
	}
	if !run.deployed() {
		return nil
	}
	data, err = json.Marshal(stage.Deployed{Commit: run.Commit, Run: run.Workflow})
	if err != nil {
		return fmt.Errorf("encoding the deployment of run %q: %w", run.Workflow, err)
	}
	if err := n.Bucket.Put(ctx, bucket.DeployedKey(), data); err != nil {
		return fmt.Errorf("storing the deployment of run %q: %w", run.Workflow, err)
	}
	return nil
}
