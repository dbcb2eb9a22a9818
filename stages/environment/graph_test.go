package environment

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/schedule"
)

func stackWith(id string, after ...string) assembly.Stack {
	return assembly.Stack{ID: id, Path: id, After: after}
}

func TestTheGraphJoinsTheConfigurationAndTheApp(t *testing.T) {
	env := config.Environment{Name: "dev", Stacks: []config.Stack{
		{Name: "Web", DependsOn: []string{"Seed"}}, {Name: "Api"}, {Name: "Data"}, {Name: "Seed"},
	}}
	targets := []target{
		{name: "Web", app: "a", stack: stackWith("dev-Web", "dev-Api")},
		{name: "Api", app: "a", stack: stackWith("dev-Api", "dev-Data", "Network")},
		{name: "Data", app: "a", stack: stackWith("dev-Data")},
		{name: "Seed", app: "b", stack: stackWith("dev-Api")}, // of another app, by chance of the same id
	}
	nodes, err := graph(env, targets)
	require.NoError(t, err)
	assert.Equal(t, []schedule.Node{
		{Name: "Web", After: []string{"Seed", "Api"}}, {Name: "Api", After: []string{"Data"}}, {Name: "Data"}, {Name: "Seed"},
	}, nodes)
	assert.Equal(t, []string{
		"Web is listed before Api, which it needs; Api is deployed first",
		"Web is listed before Seed, which it needs; Seed is deployed first",
		"Api is listed before Data, which it needs; Data is deployed first",
		"Api needs the stack Network, which this environment does not deploy; it must be there already",
	}, remarks(targets, nodes))
	assert.NoError(t, checkDistinct(targets))
}

func TestAContradictionBetweenConfigurationAndAppIsShownAsTheCycle(t *testing.T) {
	env := config.Environment{Name: "dev", Stacks: []config.Stack{{Name: "Data", DependsOn: []string{"Api"}}, {Name: "Api"}}}
	_, err := graph(env, []target{{name: "Data", stack: stackWith("Data")}, {name: "Api", stack: stackWith("Api", "Data")}})
	require.ErrorContains(t, err, "circular dependency: Data -> Api -> Data")
}

func TestOneStackUnderTwoNamesIsRefused(t *testing.T) {
	err := checkDistinct([]target{{name: "Api", stack: stackWith("dev-Api")}, {name: "dev-Api", stack: stackWith("dev-Api")}})
	require.ErrorContains(t, err, `"Api" and "dev-Api" are both the stack dev-Api`)
}
