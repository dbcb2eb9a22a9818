package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
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
	if err := n.Bucket.Update(ctx, bucket.RunRecordKey(run.Workflow), func(before []byte) ([]byte, error) { return data, run.replaces(before) }); err != nil {
		return fmt.Errorf("storing the record of run %q: %w", run.Workflow, err)
	}
	if !run.deployed() {
		return nil
	}
	last, err := json.Marshal(stage.Deployed{Commit: run.Commit, Run: run.Workflow})
	if err != nil {
		return fmt.Errorf("encoding the deployment of run %q: %w", run.Workflow, err)
	}
	if err := n.Bucket.Update(ctx, bucket.DeployedKey(), func([]byte) ([]byte, error) { return last, nil }); err != nil {
		return fmt.Errorf("storing the deployment of run %q: %w", run.Workflow, err)
	}
	return nil
}

// replaces returns an error if a record under the key of this run is of another one: a
// run that is retried records again what came of it, another run of its name does not.
func (d *Document) replaces(before []byte) error {
	if before == nil {
		return nil
	}
	var old Document
	if err := json.Unmarshal(before, &old); err != nil {
		return errs.Failedf("reading the record that is there: %w", err)
	}
	if old.Workflow != d.Workflow || old.Commit != d.Commit || old.Created != "" && d.Created != "" && old.Created != d.Created {
		return errs.Failedf("there is a record of another run of this name: of commit %s, created %s", old.Commit, old.Created).
			WithHint("it was not overwritten; two workflows had the same name")
	}
	return nil
}
