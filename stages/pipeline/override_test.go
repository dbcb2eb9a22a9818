package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// overriding is the input of a run that lets another one pass the windows of prod.
func overriding(t *testing.T) pipeline.Input {
	t.Helper()
	in := asked(t, plan.ToOverride, commit3, "prod")
	in.Target, in.Override, in.Reason, in.Pusher = "shop-3", []string{"windows"}, "the shop is down", "ada"
	return in
}

func TestAnOverrideIsStoredWithWhoTheAPIServerSawAndDeploysNothing(t *testing.T) {
	for _, attests := range []bool{true, false} {
		var w world
		d := steered(t, &w, nil)
		d.Attests = func(context.Context, *config.Config) (bool, error) { return attests, nil }
		for range 2 { // the step is retried
			out, started, err := inRun(t, &w, d, overriding(t))
			require.NoError(t, err)
			assert.Equal(t, attests, out.Attested)
			assert.Equal(t, ",dev,prod,", out.LeftOut, "no environment is deployed")
			assert.Empty(t, started)
			assert.Empty(t, w.applied)
		}
		known, err := gate.Store{Bucket: d.Bucket}.Known(t.Context(), "shop-3", "prod")
		require.NoError(t, err)
		require.Len(t, known.Overrides, 1)
		at := known.Overrides[0].At
		assert.False(t, at.IsZero())
		assert.Equal(t, gate.Override{Gates: []gate.Name{gate.Windows}, Why: "the shop is down", By: "ada", Attested: attests, At: at}, known.Overrides[0])
	}
}

// What is opened is what the record of the held run says, and not what the person says.
func TestAnOverrideOfARunThatGatesHeldIsOneOfWhatItsPlanHad(t *testing.T) {
	var w world
	d := steered(t, &w, nil)
	require.NoError(t, d.Bucket.Create(t.Context(), bucket.RunRecordKey("shop-2"), []byte("{}")))
	summary, err := json.Marshal(deploy.Summary{Gates: gate.Outcomes{
		{Gate: gate.Stateful, State: gate.Closed, Stacks: []string{"sha256:bb", "sha256:aa"}}, {Gate: gate.Broadening, State: gate.Closed, Stacks: []string{"sha256:cc"}},
	}})
	require.NoError(t, err)
	step, err := json.Marshal(stage.Record{Workflow: "shop-2", Step: "deploy-prod", Status: errs.Held.String(), Outputs: map[string]string{"summary": string(summary)}})
	require.NoError(t, err)
	require.NoError(t, d.Bucket.Create(t.Context(), bucket.StepRecordKey("shop-2", "deploy-prod", 1), step))
	in := overriding(t)
	in.Target, in.Override = "shop-2", []string{"stateful"}
	for range 2 {
		_, _, err = inRun(t, &w, d, in)
		require.NoError(t, err)
	}
	found, err := gate.Store{Bucket: d.Bucket}.OfPlans(t.Context(), commit3, "prod")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, []string{"sha256:aa", "sha256:bb"}, found[0].Stacks)
	assert.Equal(t, []any{"shop-2", "ada", []gate.Name{gate.Stateful}}, []any{found[0].Run, found[0].By, found[0].Gates})
	known, err := gate.Store{Bucket: d.Bucket}.Known(t.Context(), "shop-2", "prod")
	require.NoError(t, err)
	assert.Empty(t, known.Overrides)

	in.Override = []string{"stateful", "policy"}
	_, _, err = inRun(t, &w, d, in)
	require.ErrorContains(t, err, "the gate policy did not hold the run there")
}

func TestWhatIsNoGateOfARunInProgressIsNotOverridden(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*pipeline.Input)
		problem string
	}{
		"tests":                         {func(in *pipeline.Input) { in.Override = []string{"windows", "tests"} }, "\"tests\" is no gate that can be overridden"},
		"an approval":                   {func(in *pipeline.Input) { in.Override = []string{"approval"} }, "is no gate that can be overridden"},
		"nothing":                       {func(in *pipeline.Input) { in.Override = nil }, "no gate is named"},
		"no reason":                     {func(in *pipeline.Input) { in.Reason = " " }, "there is no reason"},
		"no run":                        {func(in *pipeline.Input) { in.Target = "" }, "is no name of a run"},
		"a path":                        {func(in *pipeline.Input) { in.Target = "../shop-3" }, "is no name of a run"},
		"a run that ended":              {func(in *pipeline.Input) { in.Target = "shop-2" }, "run shop-2 has ended, and no gate held its deployment to prod"},
		"an environment of nobody":      {func(in *pipeline.Input) { in.Only = []string{"test"} }, "does not have the environment test"},
		"an artifact of another commit": {func(in *pipeline.Input) { in.Artifact = bucket.ArtifactKey(commit2, in.Digest) }, "is no artifact of commit"},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			d := steered(t, &w, nil)
			require.NoError(t, d.Bucket.Create(t.Context(), bucket.RunRecordKey("shop-2"), []byte("{}")))
			in := overriding(t)
			c.change(&in)
			_, _, err := inRun(t, &w, d, in)
			require.ErrorContains(t, err, c.problem)
			keys, err := d.Bucket.List(t.Context(), bucket.OverridesPrefix())
			require.NoError(t, err)
			assert.Empty(t, keys)
		})
	}
}
