package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// deciding is the input of a run that decides about the deployment of run shop-3 to prod, which asks for that.
func deciding(t *testing.T, d pipeline.Deps, purpose plan.Purpose) pipeline.Input {
	t.Helper()
	in := asked(t, purpose, commit3, "prod")
	in.Target, in.Reason, in.Pusher, in.Created = "shop-3", "ticket 4711", "ada", "2026-11-28T09:00:00Z"
	require.NoError(t, gate.Store{Bucket: d.Bucket}.Ask(t.Context(), "shop-3", gate.Asked{Commit: commit3, Config: "{}", Approvals: []string{"prod"}}))
	return in
}

func TestADecisionIsStoredWithWhoTheAPIServerSawAndDeploysNothing(t *testing.T) {
	for _, purpose := range []plan.Purpose{plan.ToApprove, plan.ToReject} {
		for _, attests := range []bool{true, false} {
			var w world
			d := steered(t, &w, nil)
			d.Attests = func(context.Context, *config.Config) (bool, error) { return attests, nil }
			in := deciding(t, d, purpose)
			for range 2 { // somebody executes the run again
				out, started, err := inRun(t, &w, d, in)
				require.NoError(t, err)
				assert.Equal(t, ",dev,prod,", out.LeftOut, "no environment is deployed")
				assert.Empty(t, started)
				assert.Empty(t, w.applied)
			}
			stored, err := gate.Store{Bucket: d.Bucket}.Decisions(t.Context(), "shop-3", "prod")
			require.NoError(t, err)
			assert.Equal(t, []gate.Decision{{
				Run: "shop-3", Environment: "prod", Reject: purpose == plan.ToReject, By: "ada", Attested: attests, Why: "ticket 4711", At: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC),
			}}, stored, "its time is that of the run, however often it is executed")
		}
	}
}

func TestWhatNoRunAsksForIsNotDecided(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*pipeline.Input)
		problem string
	}{
		"nobody":                        {func(in *pipeline.Input) { in.Pusher = "" }, "no person is named"},
		"a rejection without a reason":  {func(in *pipeline.Input) { in.Purpose, in.Reason = "reject", " " }, "there is no reason"},
		"no run":                        {func(in *pipeline.Input) { in.Target = "" }, "is no name of a run"},
		"a path":                        {func(in *pipeline.Input) { in.Target = "../shop-3" }, "is no name of a run"},
		"a run that ended":              {func(in *pipeline.Input) { in.Target = "shop-2" }, "run shop-2 has ended"},
		"a run that asks for nothing":   {func(in *pipeline.Input) { in.Target = "shop-4" }, "run shop-4 asks for no approval of environment prod"},
		"an environment that waits not": {func(in *pipeline.Input) { in.Only = []string{"dev"} }, "run shop-3 asks for no approval of environment dev"},
		"a run of another commit":       {func(in *pipeline.Input) { in.Target = "shop-5" }, "run shop-5 deploys commit " + commit2},
		"a time of nobody":              {func(in *pipeline.Input) { in.Created = "tomorrow" }, "reading --created"},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			d := steered(t, &w, nil)
			require.NoError(t, d.Bucket.Create(t.Context(), bucket.RunRecordKey("shop-2"), []byte("{}")))
			require.NoError(t, gate.Store{Bucket: d.Bucket}.Ask(t.Context(), "shop-5", gate.Asked{Commit: commit2, Config: "{}", Approvals: []string{"prod"}}))
			in := deciding(t, d, plan.ToApprove)
			c.change(&in)
			_, _, err := inRun(t, &w, d, in)
			require.ErrorContains(t, err, c.problem)
			keys, err := d.Bucket.List(t.Context(), bucket.ApprovalsPrefix())
			require.NoError(t, err)
			assert.Equal(t, []string{bucket.AskedKey("shop-3"), bucket.AskedKey("shop-5")}, keys, "nothing was decided")
		})
	}
}

func TestARunStoresWhatItsGatesLookAtIfItsTemplateHasGates(t *testing.T) {
	for _, asks := range []bool{true, false} {
		var w world
		d := steered(t, &w, nil)
		w.artifacts.Set(bucket.ReachedKey("prod"), `{"commit":"`+commit2+`","run":"shop-2"}`)
		in := asked(t, plan.ToRedeploy, commit2, "prod")
		in.Asks = asks
		_, _, err := inRun(t, &w, d, in)
		require.NoError(t, err)
		keys, err := d.Bucket.List(t.Context(), bucket.ApprovalsPrefix())
		require.NoError(t, err)
		if !asks {
			assert.Empty(t, keys, "Argo suspends a run of an earlier version")
			continue
		}
		require.Len(t, keys, 1)
		data, err := d.Bucket.Get(t.Context(), keys[0])
		require.NoError(t, err)
		assert.Contains(t, string(data), `"approvals":["prod"]`)
	}
}
