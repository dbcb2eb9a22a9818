package deploy_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func (w *world) say(key string, value any) {
	data, err := json.Marshal(value)
	require.NoError(w.t, err)
	w.stored.Set(key, string(data))
}

func TestAFreezeThatAPersonMadeHoldsTheDeploymentThatHasItsLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devOf("{name: Data}"))
	w.say(bucket.FreezeKey("dev"), gate.Freeze{From: time.Now().Add(-time.Hour), Why: "checkout fails", By: "ada"})
	out, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), err)
	assert.Contains(t, errs.HintOf(err), "generator retry run-1 --environment dev")
	require.Len(t, out.Summary.Gates, 1)
	assert.Equal(t, gate.Closed, out.Summary.Gates[0].State)
	assert.Empty(t, w.stored.Document(bucket.ReachedKey("dev")), "no run began to deploy there")

	w.say(bucket.OverridesKey("run-1", "dev"), []gate.Override{{Gates: []gate.Name{gate.Freezes}, Why: "this is the fix", By: "bob", At: time.Now()}})
	out, err = w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, gate.Overridden, out.Summary.Gates[0].State)
	assert.Equal(t, "bob", out.Summary.Gates[0].Override.By)
	assert.Len(t, out.Summary.Stacks, 1, "and the stack was deployed")
}

func TestAWindowThatEndedWhileTheRunWaitedForTheLockHoldsTheDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure("\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Data}], windows: [{days: [mon-thu], from: \"09:00\", to: \"16:00\", timezone: Europe/Berlin}]}\n")
	at := func(clock string) func(*deploy.Input) {
		now, err := time.Parse(time.RFC3339, clock)
		require.NoError(t, err)
		return func(in *deploy.Input) { in.ClockOffset = time.Until(now) }
	}
	_, err := w.run("dev", at("2037-11-30T16:00:00+01:00"))
	require.Equal(t, errs.Held, errs.KindOf(err), err)
	out, err := w.run("dev", at("2037-11-30T15:00:00+01:00"))
	require.NoError(t, err)
	assert.Equal(t, gate.Open, out.Summary.Gates[0].State)
	_, err = w.byHand("dev")
	require.NoError(t, err)
}

func TestADeploymentWhosePodWasLostGoesOnWhenItsWindowHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devOf("{name: Data}"))
	w.say(bucket.FreezeKey("dev"), gate.Freeze{From: time.Now().Add(-time.Hour), Why: "the week ends", By: "ada"})
	began := func(run string) { w.say(bucket.ReachedKey("dev"), stage.Deployed{Commit: commit, Run: run}) }
	began("another")
	_, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "another run began: %v", err)

	began("run-1")
	w.say(bucket.StepRecordKey("run-1", "deploy-dev", 1), stage.Record{Workflow: "run-1", Step: "deploy-dev", Status: errs.Temporary.String()})
	out, err := w.run("dev")
	require.NoError(t, err, "it is continued")
	assert.Equal(t, gate.Closed, out.Summary.Gates[0].State, "the record says that the gate was closed")
	assert.Contains(t, w.log.String(), "an earlier attempt of it was interrupted")

	w.say(bucket.StepRecordKey("run-1", "deploy-dev", 2), stage.Record{Workflow: "run-1", Step: "deploy-dev", Status: errs.Failed.String()})
	_, err = w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "an attempt that failed by itself is over: %v", err)
}
