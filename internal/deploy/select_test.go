package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func named(id, name, path, account, region string) assembly.Stack {
	return assembly.Stack{ID: id, Name: name, Path: path, Environment: assembly.Environment{Account: account, Region: region}}
}

func TestAConfiguredNameSelectsTheStackOfTheEnvironment(t *testing.T) {
	const dev, prod = "111111111111", "222222222222"
	a := &assembly.Assembly{Stacks: []assembly.Stack{
		named("Database", "Database", "Database", dev, "eu-west-1"),
		named("Edge", "Edge", "Edge", dev, "us-east-1"),
		named("Free", "Free", "Free", "", ""),
		named("dev-Api", "dev-Api", "dev-Api", dev, "eu-west-1"),
		named("prod-Api", "prod-Api", "prod-Api", prod, "eu-central-1"),
		named("ProdDatabase1", "Prod-Database", "Prod/Database", prod, "eu-central-1"),
		named("Both", "Both", "Both", prod, "eu-central-1"),
		named("ProdBoth2", "Prod-Both", "Prod/Both", prod, "eu-central-1"),
		named("QueueWest", "Queue", "QueueWest", prod, "eu-west-1"),
		named("QueueCentral", "Queue", "QueueCentral", prod, "eu-central-1"),
		named("One", "Twin", "One", dev, "eu-west-1"),
		named("Two", "Twin", "Two", dev, "eu-west-1"),
	}}
	environments := map[string]Request{
		"dev":  {Name: "dev", Account: dev, Region: "eu-west-1"},
		"prod": {Name: "prod", Account: prod, Region: "eu-central-1"},
	}
	cases := []struct{ env, name, path, says string }{
		{env: "dev", name: "Database", path: "Database"},
		{env: "dev", name: "Edge", path: "Edge"},   // a stack may name a region of its own
		{env: "prod", name: "Free", path: "Free"},  // or none
		{env: "dev", name: "Api", path: "dev-Api"}, // by the name with the environment before it
		{env: "prod", name: "Api", path: "prod-Api"},
		{env: "prod", name: "Database", path: "Prod/Database"}, // a Stage is spelt with a capital
		{env: "prod", name: "Prod/Database", path: "Prod/Database"},
		{env: "prod", name: "ProdDatabase1", path: "Prod/Database"},
		{env: "prod", name: "Both", path: "Prod/Both"},     // the more special one
		{env: "prod", name: "Queue", path: "QueueCentral"}, // the one in the environment's region
		{env: "dev", name: "Twin", says: `"Twin" matches One and Two in environment dev`},
		{env: "prod", name: "Edge", says: `"Edge" selects Edge for aws://111111111111/us-east-1, but environment prod is in account 222222222222`},
		{env: "dev", name: "Databse", says: `the CDK app has no stack "Databse"; its stacks are Database, Edge, `},
	}
	for _, c := range cases {
		found, err := choose(a, c.name, environments[c.env])
		if c.says == "" {
			require.NoError(t, err, c.name)
			assert.Equal(t, c.path, found.Path)
			continue
		}
		require.ErrorContains(t, err, c.says)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotEmpty(t, errs.HintOf(err))
	}
	_, err := choose(a, "Databse", environments["dev"])
	assert.Equal(t, "did you mean Database?", errs.HintOf(err))
}

func TestPatternsSelectTheStacksOfTheEnvironmentInTheOrderOfTheirDependencies(t *testing.T) {
	const dev, prod = "111111111111", "222222222222"
	web := named("ProdWeb1", "Prod-Web", "Prod/Web", prod, "eu-central-1")
	web.After = []string{"ProdData2"}
	a := &assembly.Assembly{Stacks: []assembly.Stack{
		named("Tools", "Tools", "Tools", prod, "eu-central-1"), web, named("ProdData2", "Prod-Data", "Prod/Data", prod, "eu-central-1"),
		named("ProdEdge3", "Prod-Edge", "Prod/Edge", prod, "us-east-1"), named("ProdDeepLog4", "Log", "Prod/Deep/Log", prod, "eu-central-1"),
		named("DevWeb5", "Dev-Web", "Dev/Web", dev, "eu-west-1"), named("Free", "Free", "Free", "", ""),
		named("LogWest", "Log", "LogWest", prod, "eu-west-1"),
	}}
	other := &assembly.Assembly{Stacks: []assembly.Stack{named("Mail", "Mail", "Mail", prod, "eu-central-1")}}
	env := Request{Name: "prod", Account: prod, Region: "eu-central-1"}
	list := func(patterns ...string) (all []listed) {
		for _, p := range patterns {
			all = append(all, listed{Stack: config.Stack{Name: p}, app: "a", assembly: a})
		}
		return all
	}
	cases := []struct {
		list  []listed
		names []string
		says  string
	}{
		{list: list("*"), names: []string{"Tools", "Free", "Log"}},                                      // one level only
		{list: list("Prod/*"), names: []string{"Prod-Data", "Prod-Web", "Prod-Edge"}},                   // as the CDK CLI has it
		{list: list("Web", "Prod/*"), names: []string{"Web", "Prod-Data", "Prod-Edge"}},                 // what is named is not in the rest
		{list: list("Prod/*", "Prod/Web"), names: []string{"Prod-Data", "Prod-Edge", "Prod/Web"}},       // wherever it is listed
		{list: list("Prod/*", "Prod/**"), names: []string{"Prod-Data", "Prod-Web", "Prod-Edge", "Log"}}, // the first pattern has it
		{list: list("Prod/Deep/*", "Log*"), names: []string{"Prod/Deep/Log", "LogWest"}},                // two of one name go by their paths
		{list: list("{Tools,Free}"), names: []string{"Tools", "Free"}},
		{list: append(list("T*"), listed{Stack: config.Stack{Name: "*"}, app: "b", assembly: other}), names: []string{"Tools", "Mail"}}, // of another app
		{list: list("Dev/*"), says: `"Dev/*" selects Dev/Web for aws://111111111111/eu-west-1, but environment prod is in account 222222222222`},
		{list: list("Stage/*"), says: `the CDK app has no stack "Stage/*"; its stacks are Tools, Prod/Web, `},
		{list: list("Tools", "Tools"), says: `"Tools" and "Tools" both select stack Tools`},
	}
	for _, c := range cases {
		targets, err := chooseAll(c.list, env)
		if c.says != "" {
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			continue
		}
		require.NoError(t, err)
		var names []string
		for _, one := range targets {
			names = append(names, one.name)
		}
		assert.Equal(t, c.names, names)
	}
	targets, err := chooseAll(list("Prod/*"), env)
	require.NoError(t, err)
	assert.Equal(t, "us-east-1", targets[2].region)
	assert.Equal(t, "Prod/*", targets[2].entry)
}
