package contract_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

type input struct {
	Commit  string `help:"Full commit SHA." required:""`
	RepoURL string `name:"repository" help:"Where the commit is." default:"https://example.test/r.git"`
	DryRun  bool
}

type output struct {
	Artifact string `output:"artifact" help:"Object key."`
	internal string
}

func TestTheContractIsDerivedFromTheStructs(t *testing.T) {
	_ = output{}.internal
	c := contract.Of[input, output]("deployer", "environment")

	assert.Equal(t, "deployer", c.Program())
	assert.Equal(t, "deployer-environment", c.Name())
	assert.Equal(t, []contract.Param{
		{Name: "commit", Env: "APHEX_COMMIT", Help: "Full commit SHA.", Required: true},
		{Name: "repository", Env: "APHEX_REPOSITORY", Help: "Where the commit is.", Default: "https://example.test/r.git"},
		{Name: "dry-run", Env: "APHEX_DRY_RUN"},
	}, c.Inputs)
	assert.Equal(t, []contract.Param{{Name: "artifact", Help: "Object key."}}, c.Outputs)
}

func TestParametersAreFoundByName(t *testing.T) {
	c := contract.Of[input, output]("builder")

	_, found := c.Input("repository")
	assert.True(t, found)
	_, found = c.Input("artifact")
	assert.False(t, found)
	_, found = c.Output("artifact")
	assert.True(t, found)
}

func TestOfPanicsOnAStructThatKongCannotRead(t *testing.T) {
	type broken struct {
		Level string `enum:"a,b"`
	}
	assert.Panics(t, func() { contract.Of[broken, output]("builder") })
}
