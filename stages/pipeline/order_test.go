package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// update runs the stage in an account, with everything that a cluster offers.
func update(t *testing.T, d pipeline.Deps) (pipeline.Output, error) {
	t.Helper()
	return pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, pipeline.Input{
		Commit: "0123", Config: config.File, Bucket: "artifacts", Account: "111111111111", Region: "eu-west-1",
		Artifact: "a", Digest: "d", OnFailure: "stop",
	})
}

func TestAWSSideOwnStackAndObjectsAreUpdatedInThisOrder(t *testing.T) {
	var w world
	var order []string
	d := w.deps(good + "pipelineStack: {name: PipelineStack}\nreconcileSchedule: \"\"\n")
	d.DeployStack = func(context.Context, stage.Frame, string, config.Stack, string, string) error {
		order = append(order, "own stack")
		return nil
	}
	d.UpdateCloud = func(_ context.Context, _ stage.Frame, cloud pipeline.Cloud) error {
		order = append(order, "AWS side")
		assert.Regexp(t, `^aphex-pipeline-template-[0-9a-f]{8}$`, cloud.Stack)
		assert.Equal(t, "arn:aws:iam::111111111111:role/"+cloud.Stack+"-update", cloud.Role)
		assert.True(t, json.Valid(cloud.Template))
		assert.Equal(t, infra.Tags(plan.Names{Pipeline: "aphex-pipeline-template"}), cloud.Tags, "a stack loses the tags that are not named, and the updater may not change its own role")
		return nil
	}
	d.Try = func(context.Context, []manifest.Object) error {
		order = append(order, "try")
		return nil
	}
	d.Apply = func(context.Context, []manifest.Object) ([]manifest.Change, error) {
		order = append(order, "objects")
		return nil, nil
	}
	d.Remove = func(_ context.Context, objects []manifest.Object) ([]manifest.Change, error) {
		order = append(order, "unwanted "+objects[0].String())
		return []manifest.Change{{Object: objects[0].String(), Action: manifest.Removed}}, nil
	}
	out, err := update(t, d)
	require.NoError(t, err)
	assert.Equal(t, []string{"try", "AWS side", "own stack", "objects", "unwanted cronworkflow/aphex-pipeline-template"}, order)
	assert.Equal(t, pipeline.Updated, out.Result)
}

func TestAnAWSSideThatIsNotUpdatedKeepsTheObjects(t *testing.T) {
	var w world
	d := w.deps(good)
	d.UpdateCloud = func(context.Context, stage.Frame, pipeline.Cloud) error { return errors.New("rolled back") }
	_, err := update(t, d)
	require.ErrorContains(t, err, "updating the pipeline's AWS stack")
	assert.Empty(t, w.applied)
}

func TestObjectsThatTheClusterWouldNotTakeKeepEverythingAsItWas(t *testing.T) {
	var w world
	d := w.deps(good + "pipelineStack: {name: PipelineStack}\n")
	d.Try = func(context.Context, []manifest.Object) error { return errors.New("no such identity") }
	never := func() error { t.Error("nothing is changed"); return nil }
	d.DeployStack = func(context.Context, stage.Frame, string, config.Stack, string, string) error { return never() }
	d.UpdateCloud = func(context.Context, stage.Frame, pipeline.Cloud) error { return never() }
	_, err := update(t, d)
	require.ErrorContains(t, err, "no such identity")
	assert.Empty(t, w.applied)
}

func TestAVersionWhoseNameIsTakenGetsAnother(t *testing.T) {
	template := func(taken func(string, string) bool) string {
		var w world
		d := w.deps(good)
		if taken != nil {
			d.Taken = func(_ context.Context, namespace string) func(string, string) bool {
				assert.Equal(t, "argo", namespace)
				return taken
			}
		}
		_, err := update(t, d)
		require.NoError(t, err)
		for _, object := range w.applied {
			if object.Kind == "WorkflowTemplate" {
				return object.Name
			}
		}
		return ""
	}
	first := template(nil)
	assert.Equal(t, first, template(func(string, string) bool { return false }))
	assert.NotEqual(t, first, template(func(name, _ string) bool { return name == first }))
}
