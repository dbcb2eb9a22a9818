package gate_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var yearEnd = config.Freeze{From: "2026-12-18T18:00", Until: "2027-01-04", Why: "the year ends", Timezone: "Europe/Berlin"}

func TestAFreezeOfTheConfigurationEndsByTheClockOfItsZone(t *testing.T) {
	env := config.Environment{Name: "prod", Freezes: []config.Freeze{yearEnd}}
	for now, state := range map[string]gate.State{
		"2026-12-18T17:59:59+01:00": gate.Open, "2026-12-18T18:00:00+01:00": gate.Waiting, "2027-01-03T23:59:59+01:00": gate.Waiting, "2027-01-04T00:00:00+01:00": gate.Open,
	} {
		outcomes := gate.Evaluate(gate.Known{Now: at(t, now), Environment: env})
		require.Len(t, outcomes, 1, "windows are not declared")
		assert.Equal(t, state, outcomes[0].State, now)
		if state == gate.Waiting {
			assert.True(t, at(t, "2027-01-04T00:00:00+01:00").Equal(outcomes.Until()))
			assert.Contains(t, outcomes.Reason(), "until Mon 4 Jan 2027 00:00 CET: the year ends")
		}
	}
}

func TestFreezesThatFollowOneAnotherAreWaitedForTogether(t *testing.T) {
	env := config.Environment{Name: "prod", Freezes: []config.Freeze{{From: "2027-01-04", Until: "2027-01-06", Why: "the count", Timezone: "Europe/Berlin"}, yearEnd}}
	known := gate.Known{Now: at(t, "2026-12-20T00:00:00Z"), Environment: env}
	assert.True(t, at(t, "2027-01-06T00:00:00+01:00").Equal(gate.Evaluate(known).Until()))
	known.Freeze = gate.Freeze{From: at(t, "2027-01-05T00:00:00Z"), Why: "an audit", By: "ada"}
	outcomes := gate.Evaluate(known)
	assert.Equal(t, gate.Closed, outcomes[0].State, "nobody knows when the one after them ends")
	assert.True(t, outcomes.Until().IsZero())
}

func TestAFreezeOfAPersonClosesAnEnvironmentThatDeclaresNoGate(t *testing.T) {
	env := config.Environment{Name: "prod"}
	assert.Empty(t, gate.Evaluate(gate.Known{Now: time.Now(), Environment: env}))
	made := gate.Freeze{From: at(t, "2026-11-28T00:00:00Z"), Why: "checkout fails", By: "ada"}
	outcomes := gate.Evaluate(gate.Known{Now: at(t, "2026-11-28T00:00:00Z"), Environment: env, Freeze: made})
	require.False(t, outcomes.Pass())
	assert.Contains(t, outcomes.Reason(), "checkout fails (ada)")
	err := outcomes.Held("shop-1", "prod")
	assert.Equal(t, errs.Held, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "generator retry shop-1 --environment prod")
}

func TestAnOverrideOpensTheGatesThatItNamesAndNoOther(t *testing.T) {
	known := gate.Known{
		Now:         at(t, "2026-12-19T12:00:00Z"),
		Environment: config.Environment{Name: "prod", Windows: []config.Window{office}, Freezes: []config.Freeze{yearEnd}},
		Overrides:   []gate.Override{{Gates: []gate.Name{gate.Windows}, Why: "the shop is down", By: "ada"}},
	}
	outcomes := gate.Evaluate(known)
	assert.Equal(t, gate.Overridden, outcomes[0].State)
	assert.Equal(t, "ada", outcomes[0].Override.By)
	assert.Equal(t, "freezes", outcomes.Gates())
	known.Overrides = append(known.Overrides, gate.Override{Gates: []gate.Name{gate.Freezes}, Why: "the shop is down", By: "bob"})
	assert.True(t, gate.Evaluate(known).Pass())
	known.Now = at(t, "2026-11-30T12:00:00Z")
	assert.Equal(t, gate.Open, gate.Evaluate(known)[0].State, "what is open needs no override")
}

// TestNoDeploymentBeginsOutsideOfAWindowOrInAFreezeWithoutAnOverride: whatever people say, an
// environment whose gates pass is in a window and in no freeze, or a person overrode that gate.
func TestNoDeploymentBeginsOutsideOfAWindowOrInAFreezeWithoutAnOverride(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := config.Environment{Name: "prod"}
		for range rapid.IntRange(0, 2).Draw(t, "windows") {
			env.Windows = append(env.Windows, config.Window{From: drawClock(t, "from"), To: "24:00", Timezone: "Europe/Berlin", Days: rapid.SliceOfN(rapid.SampledFrom(weekdays), 0, 3).Draw(t, "days")})
		}
		if rapid.Bool().Draw(t, "freezes") {
			env.Freezes = []config.Freeze{yearEnd}
		}
		known := gate.Known{Now: at(t, "2026-12-01T00:00:00Z").Add(time.Duration(rapid.IntRange(0, 60*24*60).Draw(t, "minutes")) * time.Minute), Environment: env}
		if rapid.Bool().Draw(t, "freeze") {
			known.Freeze = gate.Freeze{From: at(t, "2026-12-10T00:00:00Z"), Why: "audit"}
			if rapid.Bool().Draw(t, "ends") {
				known.Freeze.Until = at(t, "2026-12-12T00:00:00Z")
			}
		}
		overridden := map[gate.Name]bool{}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(gate.Names()), 0, 2).Draw(t, "overrides") {
			known.Overrides, overridden[name] = append(known.Overrides, gate.Override{Gates: []gate.Name{name}}), true
		}
		outside := len(env.Windows) > 0 && !onTheWall(env.Windows, known.Now)
		frozen := len(env.Freezes) > 0 && !known.Now.Before(at(t, "2026-12-18T17:00:00Z")) && known.Now.Before(at(t, "2027-01-03T23:00:00Z")) ||
			known.Freeze.Why != "" && !known.Now.Before(known.Freeze.From) && (known.Freeze.Until.IsZero() || known.Now.Before(known.Freeze.Until))
		outcomes := gate.Evaluate(known)
		require.Equal(t, (!outside || overridden[gate.Windows]) && (!frozen || overridden[gate.Freezes]), outcomes.Pass())
		evaluated := 0
		for _, declared := range []bool{len(env.Windows) > 0, len(env.Freezes) > 0 || known.Freeze.Why != ""} {
			if declared {
				evaluated++
			}
		}
		require.Len(t, outcomes, evaluated, "every gate is evaluated")
	})
}

func TestAFreezeIsMadeAndLiftedAndStaysKnown(t *testing.T) {
	store := gate.Store{Bucket: bucket.OpenDirectory(t.TempDir())}
	now := at(t, "2026-11-28T00:00:00Z")
	_, err := store.Lift(t.Context(), "prod", gate.Lifted{At: now, By: "ada"})
	assert.ErrorContains(t, err, "environment prod is not frozen")
	first, second := gate.Freeze{From: now, Why: "audit", By: "ada"}, gate.Freeze{From: now, Until: now.Add(time.Hour), Why: "sale", By: "bob"}
	before, err := store.MakeFreeze(t.Context(), "prod", first)
	require.NoError(t, err)
	assert.Zero(t, before)
	before, err = store.MakeFreeze(t.Context(), "prod", second)
	require.NoError(t, err)
	assert.Equal(t, first, before)
	known, err := store.Known(t.Context(), "shop-1", "prod")
	require.NoError(t, err)
	assert.Equal(t, second, known.Freeze)
	_, err = store.Lift(t.Context(), "prod", gate.Lifted{At: now.Add(2 * time.Hour), By: "ada"})
	assert.ErrorContains(t, err, "is not frozen", "it ended by itself")
	ended, err := store.Lift(t.Context(), "prod", gate.Lifted{At: now, By: "ada"})
	require.NoError(t, err)
	assert.Equal(t, second, ended)
	none, err := store.Freeze(t.Context(), "prod")
	require.NoError(t, err)
	assert.Zero(t, none)
	data, err := store.Bucket.Get(t.Context(), bucket.FreezeKey("prod"))
	require.NoError(t, err)
	assert.Contains(t, string(data), `"lifted"`)
}

func TestOverridesAreOfOneRunAndEnvironment(t *testing.T) {
	store := gate.Store{Bucket: bucket.OpenDirectory(t.TempDir())}
	for _, by := range []string{"ada", "bob"} {
		require.NoError(t, store.AddOverride(t.Context(), "shop-1", "prod", gate.Override{Gates: []gate.Name{gate.Windows}, Why: "down", By: by, At: time.Now()}))
	}
	known, err := store.Known(t.Context(), "shop-1", "prod")
	require.NoError(t, err)
	assert.Len(t, known.Overrides, 2)
	for _, other := range [][2]string{{"shop-2", "prod"}, {"shop-1", "dev"}} {
		known, err := store.Known(t.Context(), other[0], other[1])
		require.NoError(t, err)
		assert.Empty(t, known.Overrides)
	}
}

func TestAnOverrideLetsNothingPassOnceItsRunCannotLastAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := gate.Store{Bucket: buckettest.New(nil)}
		asked := func() gate.Override {
			return gate.Override{Gates: []gate.Name{gate.Freezes}, Why: "the fix", By: "ada", At: time.Now()}
		}
		passes := func() bool {
			known, err := store.Known(t.Context(), "shop-1", "prod")
			require.NoError(t, err)
			known.Freeze, known.Now = gate.Freeze{Why: "the year ends"}, time.Now()
			return gate.Evaluate(known).Pass()
		}
		require.NoError(t, store.AddOverride(t.Context(), "shop-1", "prod", asked()))
		time.Sleep(6 * 24 * time.Hour)
		assert.True(t, passes())
		time.Sleep(24 * time.Hour)
		assert.False(t, passes(), "Argo runs it again under its name")
		require.NoError(t, store.AddOverride(t.Context(), "shop-1", "prod", asked()))
		assert.True(t, passes(), "a person asks again")
	})
}

func TestAFreezeThatCannotBeReadLetsNothingBegin(t *testing.T) {
	env := config.Environment{Name: "prod", Freezes: []config.Freeze{{From: "2026-01-01", Until: "2026-01-02", Why: "it is over", Timezone: "Nowhere/Else"}}}
	outcomes := gate.Evaluate(gate.Known{Now: at(t, "2026-11-28T00:00:00Z"), Environment: env})
	assert.False(t, outcomes.Pass())
	assert.Contains(t, outcomes.Reason(), "its freezes cannot be read")

	for _, text := range []string{`{"until":"2027-01-04T00:00:00Z"}`, `{"why":""}`, `{}`, `{"why":`, `[]`} {
		store := gate.Store{Bucket: buckettest.New(map[string]string{bucket.FreezeKey("prod"): text})}
		_, err := store.Known(t.Context(), "shop-1", "prod")
		assert.Error(t, err, text)
	}
}
