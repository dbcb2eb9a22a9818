package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// risky is a plan that replaces a table, removes a bucket that stays, and lets a role do more.
func risky() *planned.Plan {
	p := &planned.Plan{Version: planned.Version, Environment: "prod", Commit: "c1", Stacks: []planned.Stack{
		{
			Stack: "Data", Name: "Data", Intent: planned.WillUpdate, Digest: "d1",
			Changes: []planned.Resource{
				{Action: planned.Replace, LogicalID: "Orders", Type: "AWS::DynamoDB::Table", Data: diff.Deleted},
				{Action: planned.Remove, LogicalID: "Photos", Type: "AWS::S3::Bucket", Data: diff.Retained},
			},
		},
		{
			Stack: "Api", Name: "Api", Intent: planned.WillUpdate, Digest: "d2",
			Broader: []diff.Broadening{{LogicalID: "Role", Kind: diff.IAM, Text: "${Role} may s3:*\nhere"}},
			Changes: []planned.Resource{{Action: "modify", LogicalID: "Role", Type: "AWS::IAM::Role"}},
		},
		{Stack: "Edge", Name: "Edge", Intent: planned.WillKeep},
	}}
	p.Settle()
	return p
}

func holding(on ...config.PlanGate) gate.Known {
	return gate.Known{Now: time.Unix(1_800_000_000, 0), Environment: config.Environment{Name: "prod", HoldOn: on, Windows: []config.Window{office}}, Plan: risky()}
}

func TestAReplacementOfDataIsHeldUntilItIsAcknowledgedByItsLogicalID(t *testing.T) {
	known := holding(config.HoldStateful)
	outcomes := gate.Evaluate(known)
	require.Len(t, outcomes, 1, "gates of time were evaluated before")
	assert.Equal(t, gate.Closed, outcomes[0].State)
	assert.Contains(t, outcomes[0].Reason, "2 resources with data are replaced or removed without acknowledge: [Orders, Photos]: Data: Orders is replaced; its data is deleted")
	assert.Len(t, outcomes[0].Evidence, 2)
	err := outcomes.Held("shop-1", "prod")
	assert.Equal(t, errs.Held, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "generator override prod --run shop-1 --gate stateful --why …, then generator retry shop-1 --environment prod")

	known.Environment.Acknowledge = []string{"Orders", "Other"}
	assert.Contains(t, gate.Evaluate(known).Reason(), "1 resource with data is replaced or removed without acknowledge: [Photos]")
	known.Environment.Acknowledge = []string{"Orders", "Photos"}
	outcomes = gate.Evaluate(known)
	assert.Equal(t, []any{gate.Open, "acknowledged: Orders, Photos"}, []any{outcomes[0].State, outcomes[0].Reason})
	known.Plan.Stacks = known.Plan.Stacks[1:]
	assert.True(t, gate.Evaluate(known).Pass(), "nothing keeps data there")
}

func TestWhatBecomesBroaderIsHeld(t *testing.T) {
	known := holding(config.HoldBroadening)
	outcomes := gate.Evaluate(known)
	assert.Equal(t, []string{"Api: ${Role} may s3:* here"}, outcomes[0].Evidence)
	known.Plan.Stacks[1].Broader = nil
	assert.True(t, gate.Evaluate(known).Pass())
	known.Environment.HoldOn = nil
	assert.Empty(t, gate.Evaluate(known), "nothing is declared")
}

func TestAPlanOfAnySizeLeavesALimitedOutcome(t *testing.T) {
	known := holding(config.HoldBroadening)
	for range 1000 {
		known.Plan.Stacks[1].Broader = append(known.Plan.Stacks[1].Broader, diff.Broadening{Text: strings.Repeat("é", 1000)})
	}
	outcome := gate.Evaluate(known)[0]
	assert.Len(t, outcome.Evidence, 21)
	assert.Equal(t, "and 981 more", outcome.Evidence[20])
	assert.Len(t, outcome.Stacks, 1)
	assert.Less(t, len(outcome.Reason), 3000)
}

func TestAnOverrideOfAPlanOpensNothingThatThePersonHasNotSeen(t *testing.T) {
	known := holding(config.HoldBroadening, config.HoldStateful)
	held := gate.Evaluate(known)
	seen, err := held.Seen([]gate.Name{gate.Stateful})
	require.NoError(t, err)
	over := gate.Override{Gates: []gate.Name{gate.Stateful}, Stacks: seen, At: known.Now.Add(-time.Hour)}
	known.Overrides = []gate.Override{over}
	outcomes := gate.Evaluate(known)
	assert.Equal(t, "broadening", outcomes.Gates(), "each gate is opened by its name")
	assert.Equal(t, gate.Overridden, outcomes[0].State)

	known.Plan.Stacks[0].After, known.Plan.Stacks[0].Status, known.Plan.Stacks[0].ChangeSet = []string{"Edge"}, "UPDATE_COMPLETE", "another"
	known.Plan.Stacks = known.Plan.Stacks[:1]
	assert.True(t, gate.Evaluate(known).Pass(), "what is left to do of what was seen")
	for name, change := range map[string]func(){
		"another resource": func() { known.Plan.Stacks[0].Changes[0].LogicalID = "Users" },
		"another fate":     func() { known.Plan.Stacks[0].Changes[1].Data = diff.Deleted },
		"another input":    func() { known.Plan.Stacks[0].Digest = "d3" },
		"another commit":   func() { known.Plan.Commit = "c2" },
		"one stack more": func() {
			known.Plan.Stacks[1].Changes = []planned.Resource{{Action: planned.Remove, LogicalID: "Users", Data: diff.Deleted}}
		},
	} {
		known = holding(config.HoldStateful)
		known.Overrides = []gate.Override{over}
		change()
		assert.False(t, gate.Evaluate(known).Pass(), name)
	}
	_, err = held.Seen([]gate.Name{gate.Windows})
	require.ErrorContains(t, err, "the gate windows did not hold the run there")
	assert.Contains(t, errs.HintOf(err), "stateful,broadening")
}

func TestOverridesOfPlansAreKeptByCommit(t *testing.T) {
	store := gate.Store{Bucket: buckettest.New(nil)}
	over := gate.Override{Gates: []gate.Name{gate.Policy}, Why: "once", By: "ada", Run: "shop-1", Stacks: []string{"sha256:00"}, At: time.Now().UTC().Truncate(time.Second)}
	require.NoError(t, store.AddOverrideOfPlan(t.Context(), "0123456789abcdef0123456789abcdef01234567", "prod", over))
	found, err := store.OfPlans(t.Context(), "0123456789abcdef0123456789abcdef01234567", "prod")
	require.NoError(t, err)
	assert.Equal(t, []gate.Override{over}, found)
	old := over
	old.At = old.At.Add(-8 * 24 * time.Hour)
	require.NoError(t, store.AddOverrideOfPlan(t.Context(), "2123456789abcdef0123456789abcdef01234567", "prod", old))
	found, err = store.OfPlans(t.Context(), "2123456789abcdef0123456789abcdef01234567", "prod")
	require.NoError(t, err)
	assert.Empty(t, found, "none lasts longer than a week")
	found, err = store.OfPlans(t.Context(), "1123456789abcdef0123456789abcdef01234567", "prod")
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestALaterEvaluationAddsWhatItFound(t *testing.T) {
	had := gate.Outcomes{{Gate: gate.Windows, State: gate.Open}, {Gate: gate.Stateful, State: gate.Overridden}, {Gate: gate.Broadening, State: gate.Open}}
	merged := had.Merge(gate.Outcomes{{Gate: gate.Stateful, State: gate.Open}, {Gate: gate.Broadening, State: gate.Closed}, {Gate: gate.Policy, State: gate.Open}})
	var states []gate.State
	for _, one := range merged {
		states = append(states, one.State)
	}
	assert.Equal(t, []gate.State{gate.Open, gate.Overridden, gate.Closed, gate.Open}, states)
	assert.Equal(t, gate.Open, had[2].State)
}
