package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Deployment is a deployment in progress, of which results are kept.
type Deployment struct {
	store     Store
	config    *config.Config
	request   deploy.Request
	durations func() map[string]float64 // of the deployment before
}

// Begin starts reading how long the stacks of a request took last, for the reporter.
func (s Store) Begin(ctx context.Context, cfg *config.Config, r deploy.Request) Deployment {
	return Deployment{s, cfg, r, s.durations(ctx, r.Name, s.Engine.Reporter.Last)}
}

// Kept is what is known of a deployment once its results are kept.
type Kept struct {
	Outputs string // key of the plain outputs in the bucket
	// Removed are stacks that no environment has any more; in a workflow, the check of all
	// environments finds them.
	Removed []stage.RemovedStack
}

// Keep writes the outputs to files and to the bucket, and stores the stacks and how long they
// took: also of a deployment that failed or was cancelled. An error is one of the outputs.
func (d Deployment) Keep(ctx context.Context, out deploy.Outcome, files deploy.OutputFiles) (kept Kept, err error) {
	known, log := d.durations(), d.store.Engine.Log
	if out.Results == nil {
		return kept, nil
	}
	defer d.store.Engine.Reporter.Begin(progress.Stage, d.request.Name, "storing the stack outputs")()
	for _, line := range out.Results.Collisions() {
		log.Warn(line)
	}
	kept.Outputs, err = d.keepOutputs(ctx, out.Results, files)
	if wrong := d.store.keepDurations(ctx, d.request, known, out.Results); wrong != nil {
		log.Warn("cannot store the durations of the stacks; the next deployment shows no estimates", "error", wrong)
	}
	kept.Removed = d.store.update(ctx, d.config, d.request, out)
	return kept, err
}

// keepOutputs writes the outputs to the files and stores them. It returns the key of the plain ones.
func (d Deployment) keepOutputs(ctx context.Context, results deploy.Results, files deploy.OutputFiles) (key string, err error) {
	outputs, err := results.EncodeOutputs()
	if err != nil {
		return "", err
	}
	if err := outputs.Write(files); err != nil || d.store.Bucket == nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	commit, environment := d.request.Commit, d.request.Name
	key = bucket.OutputsKey(commit, environment)
	for _, document := range []struct {
		key  string
		text []byte
	}{{bucket.DetailedOutputsKey(commit, environment), outputs.Detailed}, {key, outputs.Named}} {
		if err := d.store.Bucket.Put(ctx, document.key, document.text); err != nil {
			return "", fmt.Errorf("storing the stack outputs as %q: %w", document.key, err)
		}
	}
	return key, nil
}
