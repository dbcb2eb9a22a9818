package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// gated configures dev with gates.
func (w *world) gated(stacks, keys string) {
	w.configure("\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [" + stacks + "], " + keys + "}\n")
}

func stateOf(out deploy.Output, name gate.Name) gate.Outcome {
	for _, one := range out.Summary.Gates {
		if one.Gate == name {
			return one
		}
	}
	return gate.Outcome{}
}

func TestNothingIsExecutedWhileAGateThatLooksAtThePlanIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Api}, {name: Edge}", "policy: [{rule: \"plan.stacks.all(s, s.stack != 'Edge' || s.intent != 'create')\", message: no edge}]")
	w.ForgetCalls()
	out, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "%v\n%s", err, w.log.String())
	assert.Contains(t, err.Error(), "environment dev is held: 1 rule of policy is broken: no edge")
	assert.Contains(t, errs.HintOf(err), "generator override dev --run run-1 --gate policy")
	assert.Zero(t, w.Calls()["cloudformation:ExecuteChangeSet"])
	assert.Empty(t, out.Summary.Stacks)
	assert.Len(t, stateOf(out, gate.Policy).Stacks, 3)
	assert.Empty(t, w.stored.Document(bucket.ReachedKey("dev")), "no run began to deploy there")

	seen := stateOf(out, gate.Policy).Stacks
	w.say(bucket.OverridesKey("plan-"+commit, "dev"), []gate.Override{{Gates: []gate.Name{gate.Policy}, Why: "just this once", By: "ada", Stacks: seen, Run: "run-1", At: time.Now()}})
	w.workflow = "run-2" // a retry, after which the empty stacks of the first run are there
	out, err = w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	assert.Equal(t, "ada", stateOf(out, gate.Policy).Override.By)
	assert.NotEmpty(t, w.stored.Document(bucket.ReachedKey("dev")))
	assert.Equal(t, 3, w.Calls()["cloudformation:ExecuteChangeSet"])
}

// Api needs what Data exports: its change set cannot be made before Data was deployed.
func TestAStackThatCannotBePlannedYetIsHeldWhenItsTurnComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Api}", "policy: [{rule: \"plan.stacks.all(s, s.stack != 'Api' || s.intent == 'later')\", message: no api}]")
	out, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "%v\n%s", err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "stopped"}, actions(out))
	outcome := stateOf(out, gate.Policy)
	assert.Equal(t, gate.Closed, outcome.State)
	w.say(bucket.OverridesKey("plan-"+commit, "dev"), []gate.Override{{Gates: []gate.Name{gate.Policy}, Why: "just this once", By: "ada", Stacks: outcome.Stacks, At: time.Now()}})
	out, err = w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "unchanged", "Api": "created"}, actions(out))
}

func TestDataIsNotLostUnlessItsLogicalIDIsAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("tables")
	w.gated("{name: Data}, {name: Api}", "holdOn: [stateful]")
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, gate.Open, stateOf(out, gate.Stateful).State)
	w.shape("tables moved")
	w.ForgetCalls()
	out, err = w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "%v\n%s", err, w.log.String())
	assert.Contains(t, err.Error(), "4 resources with data are replaced or removed without acknowledge: [Gone, InnerTable, Kept, Table]")
	assert.Len(t, stateOf(out, gate.Stateful).Evidence, 4)
	assert.Zero(t, w.Calls()["cloudformation:ExecuteChangeSet"])
	w.gated("{name: Data}, {name: Api}", "holdOn: [stateful], acknowledge: [Table, Kept, Gone]")
	_, err = w.run("dev")
	require.ErrorContains(t, err, "without acknowledge: [InnerTable]")
	w.gated("{name: Data}, {name: Api}", "holdOn: [stateful], acknowledge: [Table, Kept, Gone, InnerTable]")
	out, err = w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, gate.Open, stateOf(out, gate.Stateful).State)
	assert.Equal(t, map[string]string{"Data": "updated", "Api": "updated"}, actions(out))
}

func TestWhatWidensRightsWaitsForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Edge}", "holdOn: [broadening]")
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	w.shape("broader")
	_, err = w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "%v\n%s", err, w.log.String())
	assert.Contains(t, err.Error(), "s3:GetObject")
	w.say(bucket.OverridesKey("run-1", "dev"), []gate.Override{{Gates: []gate.Name{gate.Broadening}, Why: "reviewed", By: "ada", At: time.Now()}})
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, gate.Overridden, stateOf(out, gate.Broadening).State)
	assert.Equal(t, map[string]string{"Edge": "updated"}, actions(out))
}

func TestAChangeSetThatWasReviewedIsExecutedAndNotMadeTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}", "policy: [{rule: 'true', message: never}]")
	w.ForgetCalls()
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created"}, actions(out))
	assert.Equal(t, gate.Open, stateOf(out, gate.Policy).State)
	made := map[string]bool{}
	for _, call := range w.History() {
		if call.Operation == "CreateChangeSet" {
			made[call.Target] = true
		}
	}
	assert.Len(t, made, 1)
}

// A pod that is lost between the plan and its execution has begun nothing.
func TestAnAttemptThatWasLostBeforeItsPlanPassedMeetsTheGatesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}", "policy: [{rule: 'false', message: never}]")
	_, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), err)
	w.say(bucket.StepRecordKey("run-1", "deploy-dev", 1), stage.Record{Workflow: "run-1", Step: "deploy-dev", Status: errs.Temporary.String()})
	began, err := inventory.Store{Bucket: w.stored}.Began(t.Context(), "dev", commit)
	require.NoError(t, err)
	assert.False(t, began)
	_, err = w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), err)
}
