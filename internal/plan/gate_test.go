package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

func TestEveryEnvironmentPassesEveryGateInOrder(t *testing.T) {
	p, err := plan.New(&config.Config{Environments: []config.Environment{tested("dev"), {Name: "prod", After: []string{"dev"}}}}, stages.Contracts(), place())
	require.NoError(t, err)
	for _, environment := range []string{"dev", "prod"} {
		at := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Environment == environment })
		for _, gate := range plan.AllGates() {
			require.NotNil(t, p.Steps[at].Gate)
			assert.Equal(t, gate.Name, p.Steps[at].Gate.Name)
			assert.Equal(t, []string{gate.Step(environment)}, p.Steps[at+1].After)
			assert.True(t, plan.WaitsAt(p.Steps[at].Name))
			at++
		}
		assert.Equal(t, plan.Deploy(environment), p.Steps[at].Name)
		assert.False(t, plan.WaitsAt(p.Steps[at].Name))
	}
}

func TestAGateIsOpenOnlyWhereNothingIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		environments, waiting []string
		want                  string
	}{
		"none waits":            {[]string{"dev", "prod"}, nil, ",dev,prod,"},
		"one waits":             {[]string{"dev", "prod"}, []string{"prod"}, ",dev,"},
		"all wait":              {[]string{"dev"}, []string{"dev"}, ","},
		"a name within another": {[]string{"dev", "dev-2"}, []string{"dev"}, ",dev-2,"},
		"none is known":         {[]string{""}, nil, ","},
	} {
		assert.Equal(t, c.want, plan.Approval.OpenIn(c.environments, c.waiting), name)
	}
}
