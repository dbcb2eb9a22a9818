package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// durationsLimit bounds reading and writing durations, which are only informative.
const durationsLimit = 10 * time.Second

// readDurations starts reading the durations and returns a function that waits
// for them. A read error is ignored: it must not fail a deployment.
func (d Deps) readDurations(ctx context.Context, in Input, tell func(map[string]float64)) (wait func() map[string]float64) {
	known := map[string]float64{}
	if d.Bucket == nil {
		return func() map[string]float64 { return known }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, durationsLimit)
		defer cancel()
		data, err := d.Bucket.Get(ctx, bucket.DurationsKey(in.Environment))
		if err != nil || json.Unmarshal(data, &known) != nil || known == nil {
			known = map[string]float64{}
		}
		tell(known)
	}()
	return func() map[string]float64 {
		<-done
		return known
	}
}

// keepDurations stores the durations of the changed stacks with those of the
// environment's other stacks.
func (d Deps) keepDurations(ctx context.Context, in Input, stacks []config.Stack, known map[string]float64, results deploy.Results) error {
	kept, changed := map[string]float64{}, false
	for _, stack := range stacks {
		if seconds, is := known[stack.Name]; is {
			kept[stack.Name] = seconds
		}
	}
	for _, r := range results {
		if seconds, is := known[r.Stack]; is {
			kept[r.Stack] = seconds // of a stack that a pattern names
		}
		if r.State == schedule.Done && (r.Action == cfn.Created || r.Action == cfn.Updated) && len(r.Changes) > 0 {
			kept[r.Stack], changed = r.Ended.Sub(r.Started).Round(100*time.Millisecond).Seconds(), true
		}
	}
	if !changed || d.Bucket == nil {
		return nil
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("encoding the durations: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), durationsLimit)
	defer cancel()
	return d.Bucket.Put(ctx, bucket.DurationsKey(in.Environment), data)
}
