package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// durations starts reading how many seconds the last deployment of each stack of an
// environment took, passes them to report, and returns a function that waits for
// them. A read error is ignored: it must not fail a deployment.
func (s Store) durations(ctx context.Context, environment string, report func(map[string]float64)) (wait func() map[string]float64) {
	known := map[string]float64{}
	if s.Bucket == nil {
		return func() map[string]float64 { return known }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		data, err := s.Bucket.Get(ctx, bucket.DurationsKey(environment))
		if err != nil || json.Unmarshal(data, &known) != nil || known == nil {
			known = map[string]float64{}
		}
		report(known)
	}()
	return func() map[string]float64 {
		<-done
		return known
	}
}

// keepDurations stores the durations of the changed stacks of a deployment with
// those known of the environment's other stacks.
func (s Store) keepDurations(ctx context.Context, r deploy.Request, known map[string]float64, results deploy.Results) error {
	kept, changed := map[string]float64{}, false
	for _, stack := range r.Stacks {
		if seconds, is := known[stack.Name]; is {
			kept[stack.Name] = seconds
		}
	}
	for _, result := range results {
		if seconds, is := known[result.Stack]; is {
			kept[result.Stack] = seconds // of a stack that a pattern names
		}
		if result.State == schedule.Done && (result.Action == cfn.Created || result.Action == cfn.Updated) && len(result.Changes) > 0 {
			kept[result.Stack], changed = result.Ended.Sub(result.Started).Round(100*time.Millisecond).Seconds(), true
		}
	}
	if !changed || s.Bucket == nil {
		return nil
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("encoding the durations: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return s.Bucket.Update(ctx, bucket.DurationsKey(r.Name), func([]byte) ([]byte, error) { return data, nil })
}
