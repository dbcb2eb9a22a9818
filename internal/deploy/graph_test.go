package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func stackWith(id string, after ...string) assembly.Stack {
	return assembly.Stack{ID: id, Path: id, After: after}
}

func TestTheGraphJoinsTheConfigurationAndTheApp(t *testing.T) {
	env := Request{Name: "dev"}
	targets := []target{
		{name: "Web", entry: "Web", needs: []string{"Seed"}, app: "a", stack: stackWith("dev-Web", "dev-Api")},
		{name: "Api", entry: "Api", app: "a", stack: stackWith("dev-Api", "dev-Data", "Network")},
		{name: "Data", entry: "Data", app: "a", stack: stackWith("dev-Data")},
		{name: "Seed", entry: "Seed", app: "b", stack: stackWith("dev-Api")}, // of another app, by chance of the same id
	}
	nodes, err := graph(env, targets)
	require.NoError(t, err)
	assert.Equal(t, []schedule.Node{
		{Name: "Web", After: []string{"Api", "Seed"}}, {Name: "Api", After: []string{"Data"}}, {Name: "Data"}, {Name: "Seed"},
	}, nodes)
	assert.Equal(t, []string{
		"Web is listed before Api, which it needs; Api is deployed first",
		"Web is listed before Seed, which it needs; Seed is deployed first",
		"Api is listed before Data, which it needs; Data is deployed first",
		"Api needs the stack Network, which this environment does not deploy; it must exist already",
	}, remarks(targets, nodes))
	assert.NoError(t, checkDistinct(targets))
}

func TestAMissingDestinationIsExplainedByTheStackThatTheEnvironmentLacks(t *testing.T) {
	targets := []target{{name: "Api", app: "a", stack: stackWith("Api", "Staging")}, {name: "Web", app: "a", stack: stackWith("Web", "Api")}}
	j := &job{Request: Request{Name: "dev"}, unlisted: map[string][]string{"Api": unlisted(targets[0], targets), "Web": unlisted(targets[1], targets)}}
	gone := func(bucket string) error {
		return errs.Invalidf("%w", &assets.NoDestinationError{Kind: "bucket", Name: bucket}).WithHint("create it")
	}
	err := j.explainPublishing(targets[0], gone("cdk-my-app-staging-111111111111"))
	require.ErrorContains(t, err, "publishing the assets of stack Api: there is no bucket cdk-my-app-staging-111111111111")
	assert.Equal(t, "add Staging to the stacks of environment dev: Api needs it, and it may create what is missing", errs.HintOf(err))
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	for _, other := range []error{
		j.explainPublishing(targets[1], gone("own")),                                         // needs nothing else
		j.explainPublishing(targets[0], gone("cdk-hnb659fds-assets-111111111111-eu-west-1")), // of the bootstrap
		j.explainPublishing(targets[0], errs.Invalidf("no access").WithHint("create it")),
	} {
		assert.Equal(t, "create it", errs.HintOf(other))
	}
}

func TestAStackWaitsForThoseWhoseOutputsItReadsUnlessThatIsACycle(t *testing.T) {
	reading := func(name, region string, reads ...cfn.Read) target {
		return target{name: name, entry: name, region: region, stack: assembly.Stack{ID: name, Name: name}, reads: reads}
	}
	nodes, err := graph(Request{Name: "dev", Account: "111111111111"}, []target{
		reading("Far", "us-east-1", cfn.Read{Stack: "Data", Region: "eu-west-1"}, cfn.Read{Stack: "Data"}),
		reading("Web", "eu-west-1", cfn.Read{Stack: "Data"}, cfn.Read{Stack: "Elsewhere"}),
		reading("Role", "eu-west-1", cfn.Read{Stack: "Data", RoleARN: "arn:aws:iam::222222222222:role/r"}),
		reading("Data", "eu-west-1", cfn.Read{Stack: "Web"}),
	})
	require.NoError(t, err)
	assert.Equal(t, []schedule.Node{{Name: "Far", After: []string{"Data"}}, {Name: "Web", After: []string{"Data"}}, {Name: "Role"}, {Name: "Data"}}, nodes)
}

func TestAContradictionBetweenConfigurationAndAppIsShownAsTheCycle(t *testing.T) {
	_, err := graph(Request{Name: "dev"}, []target{
		{name: "Data", entry: "Data", needs: []string{"Api"}, stack: stackWith("Data")}, {name: "Api", entry: "Api", stack: stackWith("Api", "Data")},
	})
	require.ErrorContains(t, err, "circular dependency: Data -> Api -> Data")
	assert.Equal(t, "dependsOn in the configuration must not contradict the app", errs.HintOf(err))
}

func TestACycleOfTheAppAloneIsNotBlamedOnTheConfiguration(t *testing.T) {
	_, err := graph(Request{Name: "dev"}, []target{
		{name: "Data", entry: "Data", stack: stackWith("Data", "Api")},
		{name: "Api", entry: "Api", stack: stackWith("Api", "Data")},
		{name: "Web", entry: "Web", needs: []string{"Api"}, stack: stackWith("Web")},
	})
	require.ErrorContains(t, err, "circular dependency: Data -> Api -> Data")
	assert.Contains(t, errs.HintOf(err), "the app creates this cycle")
	assert.NotContains(t, errs.HintOf(err), "dependsOn")
}

func TestADependencyOnAPatternWaitsForAllOfItsStacks(t *testing.T) {
	nodes, err := graph(Request{Name: "dev"}, []target{
		{name: "Dev-Data", entry: "Dev/*", stack: stackWith("Dev/Data")},
		{name: "Dev-Api", entry: "Dev/*", stack: stackWith("Dev/Api", "Dev/Data")},
		{name: "Web", entry: "Web", needs: []string{"Dev/*"}, app: "b", stack: stackWith("Web")},
	})
	require.NoError(t, err)
	assert.Equal(t, []schedule.Node{
		{Name: "Dev-Data"}, {Name: "Dev-Api", After: []string{"Dev-Data"}}, {Name: "Web", After: []string{"Dev-Data", "Dev-Api"}},
	}, nodes)
}

func TestOneStackUnderTwoNamesIsRefused(t *testing.T) {
	err := checkDistinct([]target{{name: "Api", stack: stackWith("dev-Api")}, {name: "dev-Api", stack: stackWith("dev-Api")}})
	require.ErrorContains(t, err, `"Api" and "dev-Api" both select stack dev-Api`)
}

func TestTheTemplatesOfOneStackAreReadOnceAndBoundedTogether(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "0.nested.template.json")
	require.NoError(t, os.WriteFile(large, nil, 0o600))
	require.NoError(t, os.Truncate(large, 100<<20)) // takes no disk
	list := &assembly.AssetManifest{}
	stack := assembly.Stack{Name: "S", Template: large, Assets: []*assembly.AssetManifest{list}}
	for range 1000 {
		list.Files = append(list.Files, assembly.FileAsset{Path: large})
	}
	templates, err := readTemplates(stack)
	require.NoError(t, err)
	assert.Len(t, templates, 1)

	for i := range 10 {
		link := filepath.Join(dir, fmt.Sprint(i+1)+".nested.template.json")
		require.NoError(t, os.Symlink(large, link))
		list.Files = append(list.Files, assembly.FileAsset{Path: link})
	}
	_, err = readTemplates(stack)
	require.ErrorIs(t, err, limits.ErrExceeded)
}
