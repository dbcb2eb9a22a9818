package inventory

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// KeepReached stores that a run begins to deploy a commit to an environment, before it
// changes anything: from then on no run deploys an older commit there. A deployment by
// hand stores nothing.
func (s Store) KeepReached(ctx context.Context, environment, commit string) error {
	if s.Bucket == nil || s.Engine.Run == "" {
		return nil
	}
	data, err := json.Marshal(stage.Deployed{Commit: commit, Run: s.Engine.Run})
	if err != nil {
		return fmt.Errorf("encoding the commit of environment %s: %w", environment, err)
	}
	if err := s.Bucket.Put(ctx, bucket.ReachedKey(environment), data); err != nil {
		return fmt.Errorf("storing which commit environment %s gets: %w", environment, err)
	}
	return nil
}
