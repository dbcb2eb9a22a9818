package gate_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// asks is a run that requires an approval of prod.
func asks(t *testing.T) gate.Store {
	t.Helper()
	s := gate.Store{Bucket: buckettest.New(nil)}
	require.NoError(t, s.Ask(t.Context(), "shop-1", gate.Asked{Commit: "c", Config: "{}", Approvals: []string{"prod"}}))
	return s
}

func decided(t *testing.T, s gate.Store) gate.Outcomes {
	t.Helper()
	known, err := s.Known(t.Context(), "shop-1", "prod")
	require.NoError(t, err)
	return gate.Evaluate(known)
}

func TestAnApprovalIsForOneRunAndOneEnvironment(t *testing.T) {
	now := time.Now()
	ada := gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", Attested: true, Why: "ticket 4711", At: now}
	for name, c := range map[string]struct {
		decision gate.Decision
		passes   bool
	}{
		"of this run and environment": {ada, true},
		"of another run":              {gate.Decision{Run: "shop-2", Environment: "prod", By: "ada", At: now}, false},
		"of another environment":      {gate.Decision{Run: "shop-1", Environment: "dev", By: "ada", At: now}, false},
		"that has expired":            {gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", At: now.Add(-gate.HoldsApproval)}, false},
		"of nothing":                  {gate.Decision{By: "ada", At: now}, false},
	} {
		known := gate.Known{Wall: now, Run: "shop-1", Environment: config.Environment{Name: "prod"}, Requires: true, Decisions: []gate.Decision{c.decision}}
		outcomes := gate.Evaluate(known)
		require.Len(t, outcomes, 1, name)
		assert.Equal(t, c.passes, outcomes.Pass(), name)
		if c.passes {
			assert.Equal(t, []gate.Decision{ada}, outcomes[0].Decisions)
			assert.Contains(t, outcomes[0].Reason, "approved by ada at ")
			assert.Contains(t, outcomes[0].Reason, ": ticket 4711")
			continue
		}
		assert.Contains(t, outcomes.Reason(), "it waits for an approval (generator approve shop-1 --environment prod)", name)
		assert.True(t, outcomes.Until().IsZero(), "nobody knows when")
		assert.False(t, outcomes.Rejected())
	}
}

func TestADecisionUnderTheKeyOfAnotherRunDecidesNothing(t *testing.T) {
	s := asks(t)
	other := gate.Decision{Run: "shop-0", Environment: "prod", By: "ada", Attested: true, At: time.Now()}
	require.NoError(t, s.Decide(t.Context(), other))
	data, err := s.Bucket.Get(t.Context(), bucket.DecisionsKey("shop-0", "prod"))
	require.NoError(t, err)
	require.NoError(t, s.Bucket.Create(t.Context(), bucket.DecisionsKey("shop-1", "prod"), data))
	assert.False(t, decided(t, s).Pass())
}

func TestARejectionEndsARunAlsoAfterAnApproval(t *testing.T) {
	s := asks(t)
	require.NoError(t, s.Decide(t.Context(), gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", At: time.Now()}))
	assert.True(t, decided(t, s).Pass())
	require.NoError(t, s.Decide(t.Context(), gate.Decision{Run: "shop-1", Environment: "prod", By: "bob", Attested: true, Reject: true, Why: "not today", At: time.Now()}))
	outcomes := decided(t, s)
	assert.True(t, outcomes.Rejected())
	err := outcomes.Held("shop-1", "prod")
	assert.Equal(t, errs.Held, errs.KindOf(err))
	assert.ErrorContains(t, err, "the deployment of environment prod was rejected: rejected by bob at ")
	assert.ErrorContains(t, err, ": not today")
}

func TestNoOverrideOpensAnApproval(t *testing.T) {
	_, err := gate.Parse([]string{"approval"})
	require.ErrorContains(t, err, `"approval" is no gate that can be overridden`)
	known := gate.Known{
		Now: time.Now(), Wall: time.Now(), Run: "shop-1", Environment: config.Environment{Name: "prod"}, Requires: true,
		Overrides: []gate.Override{{Gates: []gate.Name{gate.Approval, gate.Windows}, Why: "I may write here", By: "mallory", At: time.Now()}},
	}
	assert.False(t, gate.Evaluate(known).Pass())
}

func TestAnApprovalExpiresWhileARunWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := asks(t)
		waits := func() bool {
			waits, err := s.WaitsForPerson(t.Context(), "shop-1", "prod")
			require.NoError(t, err)
			return waits
		}
		assert.True(t, waits())
		decision := gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", At: time.Now()}
		for range 2 { // its step is retried
			require.NoError(t, s.Decide(t.Context(), decision))
		}
		stored, err := s.Decisions(t.Context(), "shop-1", "prod")
		require.NoError(t, err)
		assert.Len(t, stored, 1)
		time.Sleep(gate.HoldsApproval - time.Second)
		assert.True(t, decided(t, s).Pass())
		assert.False(t, waits())
		time.Sleep(time.Second)
		outcomes := decided(t, s)
		assert.False(t, outcomes.Pass())
		assert.Contains(t, outcomes.Reason(), "an earlier one has expired: approved by ada (not attested)")
		assert.True(t, waits())
	})
}

func TestARunThatAskedForNothingWaitsForNobody(t *testing.T) {
	s := asks(t)
	known, err := s.Known(t.Context(), "shop-2", "prod")
	require.NoError(t, err)
	assert.Empty(t, gate.Evaluate(known), "a run of an earlier version was resumed")
}
