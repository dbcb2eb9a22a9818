package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestSelectedStacksAreDeployedWithTheirDependencies(t *testing.T) {
	targets := []target{
		{name: "Data", entry: "Data", stack: named("DevData1", "Dev-Data", "Dev/Data", "", "")},
		{name: "Api", entry: "Api", stack: named("DevApi2", "Dev-Api", "Dev/Api", "", "")},
		{name: "Web", entry: "Web", stack: named("DevWeb3", "Dev-Web", "Dev/Web", "", "")},
		{name: "Log", entry: "*", stack: named("Log", "Log", "Log", "", "")},
	}
	nodes := []schedule.Node{{Name: "Data"}, {Name: "Api", After: []string{"Data"}}, {Name: "Web", After: []string{"Api"}}, {Name: "Log"}}
	cases := []struct {
		asked       []string
		exclusively bool
		names       []string
		says, hint  string
	}{
		{asked: nil, names: []string{"Data", "Api", "Web", "Log"}},
		{asked: []string{"Web"}, names: []string{"Data", "Api", "Web"}},
		{asked: []string{"Web"}, exclusively: true, names: []string{"Web"}},
		{asked: []string{"Dev-Api"}, names: []string{"Data", "Api"}},
		{asked: []string{"Log, Dev/Data"}, names: []string{"Data", "Log"}},
		{asked: []string{"*"}, exclusively: true, names: []string{"Log"}},
		{asked: []string{"Dev/{Api,Web},Log"}, exclusively: true, names: []string{"Api", "Web", "Log"}},
		{asked: []string{"Wbe"}, says: `this environment deploys no stack "Wbe"; its stacks are Data, Dev/Data, Api, `, hint: "did you mean Web?"},
		{asked: []string{"Prod/*"}, says: `this environment deploys no stack "Prod/*"`},
	}
	for _, c := range cases {
		chosen, order, err := only(SplitNames(c.asked), c.exclusively, targets, nodes)
		if c.says != "" {
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), c.hint)
			continue
		}
		require.NoError(t, err)
		var names []string
		for i, one := range chosen {
			names = append(names, one.name)
			assert.Equal(t, one.name, order[i].Name)
		}
		assert.Equal(t, c.names, names)
	}
}
