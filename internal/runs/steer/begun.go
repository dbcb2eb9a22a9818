package steer

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// Begun is a run that was started, and what it deploys.
type Begun struct {
	Run          string       `json:"run"`
	Purpose      plan.Purpose `json:"purpose"`
	Commit       string       `json:"commit"`
	Environments []string     `json:"environments,omitempty"`
	Has          string       `json:"has,omitempty"`     // commit that the environment had before
	Because      string       `json:"because,omitempty"` // run that proved the commit, or that is retried
	By           string       `json:"by"`
	Reason       string       `json:"reason,omitempty"`
}

// Begun is the run that deploys what was found.
func (f Found) Begun(run string) Begun {
	return Begun{run, f.Purpose, f.Commit, f.Environments, f.Has, f.Because, f.By, f.Reason}
}

// String says what a run deploys where.
func (f Found) String() string {
	if f.Purpose.Decides() {
		return string(f.Purpose) + " the deployment of run " + f.Target + " (commit " + f.Commit + ") to " + strings.Join(f.Environments, ", ")
	}
	if f.Purpose == plan.ToOverride {
		return "override of the " + strings.Join(f.Gates, " and ") + " of " + strings.Join(f.Environments, ", ") + " for run " + f.Target
	}
	text := string(f.Purpose)
	if len(f.Environments) > 0 {
		text += " of " + strings.Join(f.Environments, ", ")
	}
	if f.Has != "" && f.Has != f.Commit {
		text += ": from commit " + f.Has + " to " + f.Commit
	} else {
		text += ": commit " + f.Commit
	}
	if f.Because != "" {
		text += ", of run " + f.Because
	}
	return text
}

// pollRecord is how often the record of a run is looked for.
const pollRecord = 2 * time.Second

// Await waits for the record of a run. A run that did not succeed is an error.
func Await(ctx context.Context, artifacts bucket.Bucket, run string) error {
	for {
		d, err := record.ReadRun(ctx, artifacts, run)
		switch {
		case err == nil && d.Status == "Succeeded":
			return nil
		case err == nil:
			return errs.Failedf("run %s ended: %s: %s", run, d.Status, d.Error).WithHint("%s", cmp.Or(d.Hint, "generator show "+run))
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollRecord):
		}
	}
}
