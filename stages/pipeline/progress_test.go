package pipeline_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

func TestNoPartOfAnUpdateIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		d := w.deps(good)
		apply := d.Apply
		w.artifacts.delay = 12 * time.Second
		d.Try = func(context.Context, []manifest.Object) error { time.Sleep(12 * time.Second); return nil }
		d.UpdateCloud = func(context.Context, stage.Frame, pipeline.Cloud) error { time.Sleep(12 * time.Second); return nil }
		d.Apply = func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error) {
			time.Sleep(12 * time.Second)
			return apply(ctx, objects)
		}
		d.Remove = func(context.Context, []manifest.Object) ([]manifest.Change, error) {
			time.Sleep(12 * time.Second)
			return nil, nil
		}
		frame := stage.Frame{Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Out: &w.log}
		_, err := pipeline.Run(t.Context(), d, frame, pipeline.Input{
			Commit: "0123", Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "stop",
		})
		require.NoError(t, err)
		for _, doing := range []string{
			"fetching aphex-config.yaml (", "validating the objects (", "updating stack aphex-", "applying the objects, and waiting until Argo accepts them (",
			"removing obsolete objects (",
		} {
			assert.Contains(t, w.log.String(), `"text":"`+doing)
		}
	})
}
