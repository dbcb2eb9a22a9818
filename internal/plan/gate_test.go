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

func TestEveryEnvironmentHasAStepThatWaitsForItsGates(t *testing.T) {
	office := []config.Window{{Days: []string{"mon"}, From: "09:00", To: "17:00", Timezone: "UTC"}}
	p, err := plan.New(&config.Config{Environments: []config.Environment{tested("dev"), {Name: "prod", After: []string{"dev"}, Windows: office}}}, stages.Contracts(), place())
	require.NoError(t, err)
	for environment, unless := range map[string]string{"dev": plan.NoApproval, "prod": plan.LeftOut} {
		at := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Environment == environment })
		gate, deployment := p.Steps[at], p.Steps[at+1]
		assert.Equal(t, environment, plan.WaitedFor(gate.Name))
		assert.Equal(t, unless, gate.Unless)
		assert.Equal(t, plan.Recorder, gate.Identity, "it enters no account")
		assert.Equal(t, plan.Deploy(environment), deployment.Name)
		assert.Equal(t, []string{gate.Name}, deployment.After)
		assert.Equal(t, plan.LeftOut, deployment.Unless)
	}
}

func TestOnlyEnvironmentsThatWaitForNoApprovalAreListed(t *testing.T) {
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
		assert.Equal(t, c.want, plan.OpenIn(c.environments, c.waiting), name)
	}
}
