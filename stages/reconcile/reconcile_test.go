package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
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
	records map[string]string // by the name of the run
	steps   []string          // keys of records of steps
	exists  bool
	started []reconcile.Missed
}

func (w *world) deps() reconcile.Deps {
	return reconcile.Deps{
		Head:   func(context.Context, stage.Frame, reconcile.Input) (string, error) { return w.head, nil },
		Bucket: w.bucket(),
		Start: func(_ context.Context, missed reconcile.Missed) (string, bool, error) {
			w.started = append(w.started, missed)
			return missed.Run, !w.exists, nil
		},
	}
}

// bucket has the records.
func (w *world) bucket() bucket.Bucket {
	documents := map[string]string{}
	for run, text := range w.records {
		documents[bucket.RunRecordKey(run)] = text
	}
	for _, key := range w.steps {
		documents[key] = "{}"
	}
	return buckettest.New(documents)
}

// unanswering is a bucket that does not answer.
type unanswering struct{ bucket.Bucket }

func (unanswering) List(context.Context, string) ([]string, error) {
	return nil, errs.Temporaryf("no answer")
}

func runIn(t *testing.T, w *world) (reconcile.Output, error) {
	t.Helper()
	return reconcile.Run(t.Context(), w.deps(), stage.Frame{Log: slog.New(slog.DiscardHandler)}, input())
}

func TestAHeadThatHadNoRunGetsOne(t *testing.T) {
	w := &world{head: head, records: map[string]string{"shop-" + strings.Repeat("b", 32): "{}"}, steps: []string{"metadata/workflows/shop-" + head[:32] + "/build.json"}}
	out, err := runIn(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Output{Result: reconcile.Started, Commit: head}, out)
	assert.Equal(t, []reconcile.Missed{{
		Namespace: "argo-events", Sensor: "shop-sensor", Run: "shop-" + head[:32], Former: "shop-" + head, Commit: head, Pusher: "missed-push",
	}}, w.started)
}

func TestAHeadThatHadItsRunGetsNoOtherHoweverItEnded(t *testing.T) {
	for _, run := range []string{"shop-" + head[:32], "shop-" + head} { // the latter of a former version
		w := &world{head: head, records: map[string]string{run: `{"status":"Failed"}`}}
		out, err := runIn(t, w)
		require.NoError(t, err)
		assert.Equal(t, reconcile.Done, out.Result, run)
		assert.Empty(t, w.started)
	}
}

// handedOver is the record of a run that handed over to another one.
const handedOver = `{"status":"Succeeded","pusher":"octocat","handedOver":"NEXT","steps":[{"step":"build"},
	{"step":"pipeline","outputs":{"handover":"{\"run\":\"NEXT\",\"template\":\"shop-3f\",\"artifact\":\"a\",\"digest\":\"d\",\"gates\":\"prod\"}"}}]}`

func TestAHandedOverCommitIsDoneWhenItsSuccessorIs(t *testing.T) {
	first := "shop-" + head[:32]
	next := first + "-h"
	record := strings.ReplaceAll(handedOver, "NEXT", next)

	w := &world{head: head, records: map[string]string{first: record, next: `{"status":"Failed"}`}}
	out, err := runIn(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Done, out.Result)
	assert.Empty(t, w.started)

	for exists, result := range map[bool]string{false: reconcile.Started, true: reconcile.Running} {
		w = &world{head: head, exists: exists, records: map[string]string{first: record}}
		out, err = runIn(t, w)
		require.NoError(t, err)
		assert.Equal(t, result, out.Result)
		assert.Equal(t, []reconcile.Missed{{
			Namespace: "argo-events", Sensor: "shop-sensor", Run: next, Commit: head, Pusher: "octocat", Origin: first,
			Handover: &stage.Handover{Run: next, Template: "shop-3f", Artifact: "a", Digest: "d", Gates: "prod"},
		}}, w.started)
	}
}

func TestARunThatIsUnderWayIsNotStartedAgain(t *testing.T) {
	out, err := runIn(t, &world{head: head, exists: true})
	require.NoError(t, err)
	assert.Equal(t, reconcile.Running, out.Result)
}

func TestABranchWithoutACommitStartsNothing(t *testing.T) {
	w := &world{}
	out, err := runIn(t, w)
	require.NoError(t, err)
	assert.Equal(t, reconcile.Empty, out.Result)
	assert.Empty(t, w.started)
}

func TestWhatCannotBeComparedStartsNothing(t *testing.T) {
	w := &world{head: head}
	d := w.deps()
	d.Bucket = unanswering{d.Bucket}
	_, err := reconcile.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, input())
	require.ErrorContains(t, err, "listing the record of run")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
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
	assert.ErrorContains(t, in.Validate(), "--prefix must not be empty")
}

func TestTheContractCanBeRead(t *testing.T) {
	assert.Equal(t, "deployer-reconcile", reconcile.Contract().Name())
}

func TestABranchThatIsMovedBackDeploysNothingAndWarnsHowToGoBack(t *testing.T) {
	for deployed, says := range map[string]string{strings.Repeat("b", 40): "git revert", head: "had its run"} {
		w := &world{head: head, records: map[string]string{"shop-" + head[:32]: `{"status":"Succeeded"}`, "deployed": `{"commit":"` + deployed + `","run":"shop-1"}`}}
		var log strings.Builder
		out, err := reconcile.Run(t.Context(), w.deps(), stage.Frame{Log: slog.New(slog.NewTextHandler(&log, nil))}, input())
		require.NoError(t, err)
		assert.Equal(t, reconcile.Done, out.Result)
		assert.Contains(t, log.String(), says)
		assert.Equal(t, deployed != head, strings.Contains(log.String(), "another commit is deployed"))
		assert.Empty(t, w.started)
	}
}
