package gate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
)

func TestAPlanNamesTheGatesThatItsDeploymentMeets(t *testing.T) {
	env := config.Environment{Name: "prod", Windows: []config.Window{office}, Freezes: []config.Freeze{yearEnd}}
	gates := gate.Before(env, at(t, "2026-12-01T00:00:00Z"))
	require.Len(t, gates, 2)
	assert.Equal(t, "windows: deployments begin mon-thu 09:00 to 16:00 Europe/Berlin", gates[0].Gate+": "+gates[0].Reason)
	assert.Equal(t, "freezes: nothing begins from Fri 18 Dec 2026 18:00 CET until Mon 4 Jan 2027 00:00 CET: the year ends", gates[1].Gate+": "+gates[1].Reason)
	assert.Len(t, gate.Before(env, at(t, "2027-01-04T00:00:00+01:00")), 1, "the freeze is over")

	known := holding(config.HoldStateful, config.HoldBroadening)
	known.Environment.Policy = []config.Rule{{Rule: "plan.destructive", Message: "never"}, {Rule: "!plan.broader", Message: "no rights"}}
	held := gate.Holding(known.Environment, known.Plan)
	require.Len(t, held, 3)
	assert.Equal(t, []string{"stateful", "broadening", "policy"}, []string{held[0].Gate, held[1].Gate, held[2].Gate})
	assert.Contains(t, held[2].Reason, "no rights")
	known.Plan.Stacks = known.Plan.Stacks[2:]
	known.Plan.Settle()
	assert.Len(t, gate.Holding(known.Environment, known.Plan), 1, "the first rule holds a plan that loses nothing")
}
