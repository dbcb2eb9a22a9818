package pipeline_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// TestWhatNoPersonApprovedWaitsAndTheRestIsDeployed is P7.
func TestWhatNoPersonApprovedWaitsAndTheRestIsDeployed(t *testing.T) {
	text := good + `  - {name: eu, account: "222222222222", region: eu-west-1, after: [dev], stacks: [{name: Api}]}
  - {name: prod, account: "111111111111", region: us-east-1, after: [eu], stacks: [{name: Api}]}
`
	approve := func(approved ...string) (world, pipeline.Output, error) {
		var w world
		d := w.deps(text)
		d.Approved = func(_ context.Context, _ *config.Config, access plan.Access) (bool, error) {
			return slices.Contains(approved, access.Account), nil
		}
		frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.log}
		out, err := pipeline.Run(t.Context(), d, frame, pipeline.Input{
			Commit: "0123", Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "stop", Environments: []string{"dev"},
		})
		return w, out, err
	}
	deploys := func(w world) string {
		for _, object := range w.applied {
			if object.Kind == "WorkflowTemplate" {
				return string(object.YAML)
			}
		}
		return ""
	}
	w, out, err := approve("111111111111")
	require.NoError(t, err)
	assert.Contains(t, deploys(w), "name: deploy-dev\n")
	assert.NotContains(t, deploys(w), "deploy-eu")
	assert.NotContains(t, deploys(w), "deploy-prod", "it follows eu")
	assert.NotContains(t, deploys(w), "222222222222", "a template that a commit brings has no identity for it")
	assert.Equal(t, []string{"eu", "prod"}, out.Unreached)
	assert.Contains(t, w.log.String(), "no person has approved that the pipeline accesses account 222222222222")
	assert.Contains(t, w.log.String(), "generator bootstrap")

	w, _, err = approve("111111111111", "222222222222")
	require.NoError(t, err)
	assert.Contains(t, deploys(w), "deploy-prod")

	w, _, err = approve("222222222222")
	require.ErrorContains(t, err, "nothing was deployed: environment dev")
	assert.Empty(t, w.applied)
}
