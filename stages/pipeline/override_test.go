package pipeline_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/plan"
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

func TestWhatIsNoGateOfARunInProgressIsNotOverridden(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*pipeline.Input)
		problem string
	}{
		"tests":                         {func(in *pipeline.Input) { in.Override = []string{"windows", "tests"} }, "\"tests\" is no gate that can be overridden"},
		"an approval":                   {func(in *pipeline.Input) { in.Override = []string{"approval"} }, "is no gate that can be overridden"},
		"nothing":                       {func(in *pipeline.Input) { in.Override = nil }, "no gate is named"},
		"no reason":                     {func(in *pipeline.Input) { in.Reason = " " }, "nobody says why"},
		"no run":                        {func(in *pipeline.Input) { in.Target = "" }, "is no name of a run"},
		"a path":                        {func(in *pipeline.Input) { in.Target = "../shop-3" }, "is no name of a run"},
		"a run that ended":              {func(in *pipeline.Input) { in.Target = "shop-2" }, "run shop-2 has ended"},
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
