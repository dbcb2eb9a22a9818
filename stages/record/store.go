package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Store stores the record of a run, its entry in the index of runs and, if the run deployed
// it, its commit as the last deployed one.
func Store(ctx context.Context, b bucket.Bucket, run Document) error {
	_, err := store(ctx, b, run)
	return err
}

// store is [Store]. It returns the record as it was stored: with what earlier attempts of the
// stage and of the run left in it.
func store(ctx context.Context, b bucket.Bucket, run Document) (Document, error) {
	stored := run
	err := b.Update(ctx, bucket.RunRecordKey(run.Workflow), func(before []byte) ([]byte, error) {
		stored = run
		return stored.replace(before)
	})
	if err != nil {
		return Document{}, fmt.Errorf("storing the record of run %q: %w", run.Workflow, err)
	}
	pageErr := keepPage(ctx, b, stored)
	run.paged = pageErr == nil
	index, err := addToIndex(ctx, b, run)
	if err != nil {
		return Document{}, fmt.Errorf("adding run %q to the index of runs: %w", run.Workflow, err)
	}
	stored.unpaged = errors.Join(pageErr, KeepIndexPage(ctx, b))
	if !run.deployed() || !index.has(run) {
		return stored, nil
	}
	last, err := json.Marshal(stage.Deployed{Commit: run.Commit, Run: run.Workflow})
	if err != nil {
		return Document{}, fmt.Errorf("encoding the deployment of run %q: %w", run.Workflow, err)
	}
	if err := b.Update(ctx, bucket.DeployedKey(), func([]byte) ([]byte, error) { return last, nil }); err != nil {
		return Document{}, fmt.Errorf("storing the deployment of run %q: %w", run.Workflow, err)
	}
	return stored, nil
}

// replace returns the document as JSON, to be stored over the one before. A run that is
// retried records again what came of it. Argo makes a new workflow of the same name when it
// retries one from its archive, which is created later and has the same commit; so does a
// delivery that comes again when the workflow is gone. That is an attempt more, also of a run
// that succeeded. All else is another run of this name.
func (d *Document) replace(before []byte) ([]byte, error) {
	if before != nil {
		var old Document
		if err := json.Unmarshal(before, &old); err != nil {
			return nil, errs.Failedf("reading the record that is there: %w", err)
		}
		if !d.continues(old) {
			return nil, errs.Failedf("there is a record of another run of this name: of commit %s, created %s, %s", old.Commit, old.Created, old.Status).
				WithHint("it was not overwritten; two workflows had the same name")
		}
		d.before, d.Former, d.Notified, d.Published, d.Counted = old.Status, old.Former, old.Notified, old.Published, old.Counted
		if !d.sameWorkflow(old) {
			d.Former = append([]Attempt{{Created: old.Created, Ended: old.Ended, Status: old.Status, Error: old.Error}}, old.Former...)
			d.Former = d.Former[:min(len(d.Former), maxFormer)]
		}
	}
	return d.encode()
}

func (d *Document) encode() ([]byte, error) {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the record of run %q: %w", d.Workflow, err)
	}
	return data, nil
}

// maxFormer is how many former attempts the record of a run lists.
const maxFormer = 20

// continues reports whether a record of the same name is of the same run.
func (d *Document) continues(old Document) bool {
	if old.Workflow != d.Workflow || old.Commit != d.Commit {
		return false
	}
	return d.sameWorkflow(old) || later(d.Created, old.Created)
}

// sameWorkflow reports whether two records of one name are of one workflow, as far as they
// say when it was created.
func (d *Document) sameWorkflow(old Document) bool {
	return old.Created == "" || d.Created == "" || old.Created == d.Created
}

// later reports whether a time, RFC 3339, is later than another one.
func later(one, other string) bool {
	a, err := time.Parse(time.RFC3339, one)
	if err != nil {
		return false
	}
	b, err := time.Parse(time.RFC3339, other)
	return err == nil && a.After(b)
}
