package pipeline_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

var (
	older = strings.Repeat("a", 40)
	newer = strings.Repeat("b", 40)
)

// runOlder runs the older commit on a branch whose head is at head, with the
// records that there are.
func runOlder(t *testing.T, w *world, head string, records map[string]string) error {
	t.Helper()
	d := w.deps(good)
	d.Head = func(context.Context, stage.Frame, pipeline.Input) (string, error) { return head, nil }
	d.List = func(_ context.Context, _, prefix string) ([]string, error) {
		for key := range records {
			if strings.HasPrefix(key, prefix) {
				return []string{key}, nil
			}
		}
		return nil, nil
	}
	d.Get = func(_ context.Context, _, key string) ([]byte, error) { return []byte(records[key]), nil }
	_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, pipeline.Input{
		Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", Prefix: "shop-", Config: config.File, Bucket: "artifacts",
		Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
	})
	return err
}

func TestAnOlderCommitIsNotDeployedOverANewerOne(t *testing.T) {
	var w world
	err := runOlder(t, &w, newer, map[string]string{"metadata/workflows/shop-" + newer + ".json": `{"status":"Succeeded"}`})
	require.ErrorContains(t, err, "is superseded: main is at "+newer)
	assert.Equal(t, fault.Failed, fault.KindOf(err))
	assert.Contains(t, fault.HintOf(err), "git revert")
	assert.Empty(t, w.applied, "whatever a failed update means for a run")
}

func TestACommitIsDeployedUnlessANewerOneIs(t *testing.T) {
	for name, c := range map[string]struct {
		head    string
		records map[string]string
	}{
		"it is the head":                   {older, nil},
		"the branch is gone":               {"", nil},
		"the newer one is yet to be run":   {newer, nil},
		"the newer one failed":             {newer, map[string]string{"metadata/workflows/shop-" + newer + ".json": `{"status":"Failed"}`}},
		"the newer one is only under way":  {newer, map[string]string{"metadata/workflows/shop-" + newer + "/build.json": `{}`}},
		"another pipeline's run succeeded": {newer, map[string]string{"metadata/workflows/market-" + newer + ".json": `{"status":"Succeeded"}`}},
	} {
		var w world
		require.NoError(t, runOlder(t, &w, c.head, c.records), name)
		assert.NotEmpty(t, w.applied, name)
	}
}
