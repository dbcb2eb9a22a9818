package stages_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

func TestOutputsThatOthersReadAreThoseOfTheirStages(t *testing.T) {
	for _, name := range []string{plan.NoApproval, stage.HandoverOutput, stage.RemovedOutput, stage.UndeployedOutput, stage.UnreachedOutput} {
		_, found := pipeline.Contract().Output(name)
		assert.True(t, found, name)
	}
}

func TestANameThatNoStageHasIsAMistake(t *testing.T) {
	assert.Equal(t, "APHEX_TOKEN_SECRET", stages.Variable("token-secret"))
	assert.Equal(t, "summary", stages.Output("summary"))
	assert.Panics(t, func() { stages.Variable("token-secrets") })
	assert.Panics(t, func() { stages.Output("sumary") })
}

func TestThePlanNamesInputsAndOutputsThatTheStagesHave(t *testing.T) {
	cfg := &config.Config{
		GithubOwner: "my-org", GithubRepo: "shop", ReconcileSchedule: "*/15 * * * *",
		Environments: []config.Environment{{Name: "dev", Tests: &config.Tests{Commands: []string{"true"}}}},
	}
	_, err := plan.New(cfg, stages.Contracts(), plan.Place{})
	require.NoError(t, err)
}
