package history_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
)

func TestTheStatusSaysWhatIsFrozenAndWhichRunsWaitForGates(t *testing.T) {
	s := source(t)
	freeze := func(environment string, f gate.Freeze) {
		data, err := json.Marshal(f)
		require.NoError(t, err)
		require.NoError(t, s.Bucket.Create(t.Context(), bucket.FreezeKey(environment), data))
	}
	freeze("stage", gate.Freeze{From: noon, Why: "an audit", By: "ada"})
	freeze("dev", gate.Freeze{From: noon, Until: noon.Add(time.Hour), Why: "it is over"})
	freeze("prod", gate.Freeze{From: noon, Why: "lifted", Lifted: &gate.Lifted{At: noon, By: "ada"}})
	s.Running = func(context.Context) ([]kube.Progress, error) {
		return []kube.Progress{{Run: "shop-ccc", Created: noon, Parameters: map[string]string{}, Running: []string{"gate-prod", "deploy-dev"}}}, nil
	}
	status, unknown, err := s.Status(t.Context())
	require.NoError(t, err)
	require.NoError(t, unknown)
	require.Len(t, status.Environments, 3)
	assert.Nil(t, status.Environments[0].Frozen)
	assert.Equal(t, "an audit", status.Environments[1].Frozen.Why)
	assert.Nil(t, status.Environments[2].Frozen)
	assert.Equal(t, []string{"shop-ccc"}, status.Environments[2].Gated)
	assert.Equal(t, []string{"prod"}, status.Running[0].Gated)
	text := printed(t, 0, func(p history.Printer) error { return p.Status(status) })
	assert.Contains(t, text, "frozen until a person ends that: an audit (ada)")
	assert.Contains(t, text, "waits for its gates: shop-ccc")
}
