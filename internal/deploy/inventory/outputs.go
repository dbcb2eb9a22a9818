package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
)

// KeepOutputs stores the outputs of an environment's stacks, also those of a
// cancelled deployment, and returns the key of the plain ones.
func (s Store) KeepOutputs(ctx context.Context, commit, environment string, outputs deploy.EncodedOutputs) (key string, err error) {
	if s.Bucket == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	key = bucket.OutputsKey(commit, environment)
	for _, document := range []struct {
		key  string
		text []byte
	}{{bucket.DetailedOutputsKey(commit, environment), outputs.Detailed}, {key, outputs.Named}} {
		if err := s.Bucket.Put(ctx, document.key, document.text); err != nil {
			return "", fmt.Errorf("storing the stack outputs as %q: %w", document.key, err)
		}
	}
	return key, nil
}
