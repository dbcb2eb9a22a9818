package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/reconcile"
)

var head = strings.Repeat("a", 40)

func input() reconcile.Input {
	return reconcile.Input{
		Repository: "https://github.com/my-org/shop.git", Branch: "main", Bucket: "artifacts",
		Prefix: "shop-", Sensor: "shop-sensor", Namespace: "argo-events",
	}
}

// world is a branch with a head, a bucket with records and a cluster with runs.
type world struct {
	head    string
	records []string
	exists  bool
	started []reconcile.Missed
}

func (w *world) deps() reconcile.Deps {
	return reconcile.Deps{
		Head: func(context.Context, stage.Frame, reconcile.Input) (string, error) { return w.head, nil },
		List: func(_ context.Context, _, prefix string) ([]string, error) {
			var found []string
			for _, key := range w.records {
				if strings.HasPrefix(key, prefix) {
					found = append(found, key)
				}
			}
			return found, nil
		},
		Start: func(_ context.Context, missed reconcile.Missed) (string, bool, error) {
			w.started = append(w.started, missed)
			return "shop-" + missed.Commit, !w.exists, nil
		},
	}
}

func run(t *testing.T, w *world) (reconcile.Output, error) {
	t.Helper()
	return reconcile.Run(t.Context(), w.deps(), stage.Frame{Log: slog.New(slog.DiscardHandler)}, input())
}

func TestAHeadThatHadNoRunGetsOne(t *testing.T) {
	w := &world{head: head, records: []string{"metadata/workflows/shop-" + strings.Repeat("b", 40) + ".json", "metadata/workflows/shop-" + head + "/build.json"}}
	out, err := run(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Output{Result: reconcile.Started, Commit: head}, out)
	assert.Equal(t, []reconcile.Missed{{Namespace: "argo-events", Sensor: "shop-sensor", Commit: head}}, w.started)
}

func TestAHeadThatHadItsRunIsLeftAloneHoweverThatEnded(t *testing.T) {
	w := &world{head: head, records: []string{"metadata/workflows/shop-" + head + ".json"}}
	out, err := run(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Done, out.Result)
	assert.Empty(t, w.started)
}

func TestARunThatIsUnderWayIsNotStartedAgain(t *testing.T) {
	out, err := run(t, &world{head: head, exists: true})
	require.NoError(t, err)
	assert.Equal(t, reconcile.Running, out.Result)
}

func TestABranchWithoutACommitStartsNothing(t *testing.T) {
	w := &world{}
	out, err := run(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Empty, out.Result)
	assert.Empty(t, w.started)
}

func TestWhatCannotBeComparedStartsNothing(t *testing.T) {
	w := &world{head: head}
	d := w.deps()
	d.List = func(context.Context, string, string) ([]string, error) { return nil, fault.Temporaryf("no answer") }
	_, err := reconcile.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, input())
	require.ErrorContains(t, err, "looking for the record of run")
	assert.Equal(t, fault.Temporary, fault.KindOf(err))
	assert.Empty(t, w.started)

	d = w.deps()
	d.Head = func(context.Context, stage.Frame, reconcile.Input) (string, error) {
		return "", errors.New("no server")
	}
	_, err = reconcile.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, input())
	assert.EqualError(t, err, "no server")
}

func TestAnInputWithoutAValueIsRefused(t *testing.T) {
	assert.NoError(t, input().Validate())
	in := input()
	in.Prefix = ""
	assert.ErrorContains(t, in.Validate(), "--prefix must have a value")
}

func TestTheContractCanBeRead(t *testing.T) {
	assert.Equal(t, "deployer-reconcile", reconcile.Contract().Name())
}
