package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
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

func TestAHeadThatHadItsRunGetsAnotherAtATimeOfTheSchedule(t *testing.T) {
	const due = "2026-11-27T02:00:00Z" // 3 o'clock in Berlin in winter
	first, at := "shop-"+head[:32], func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	again := first + "-s" + plan.ScheduledAt(at(due))
	before := map[string]string{first: `{"status":"Failed","ended":"2026-11-26T12:00:00Z"}`}
	for name, c := range map[string]struct {
		created string
		records map[string]string
		exists  bool
		result  string
		run     string
	}{
		"on time":                     {created: due, records: before, result: reconcile.Started, run: again},
		"a pod that waited":           {created: "2026-11-27T02:19:00Z", records: before, result: reconcile.Started, run: again},
		"in another time zone":        {created: "2026-11-27T03:01:00+01:00", records: before, result: reconcile.Started, run: again},
		"too late":                    {created: "2026-11-27T02:21:00Z", records: before, result: reconcile.Done},
		"too early":                   {created: "2026-11-27T01:59:59Z", records: before, result: reconcile.Done},
		"begun already":               {created: "2026-11-27T02:15:00Z", records: before, exists: true, result: reconcile.Running, run: again},
		"ended already":               {created: "2026-11-27T02:15:00Z", records: map[string]string{first: before[first], again: "{}"}, result: reconcile.Done},
		"the head was pushed since":   {created: "2026-11-27T02:15:00Z", records: map[string]string{first: `{"ended":"2026-11-27T02:10:00Z"}`}, result: reconcile.Done},
		"a missed push comes first":   {created: due, result: reconcile.Started, run: first},
		"the run of the push goes on": {created: due, exists: true, result: reconcile.Running, run: first},
		"in summer time":              {created: "2027-07-01T01:00:00Z", records: before, result: reconcile.Started, run: first + "-s" + plan.ScheduledAt(at("2027-07-01T01:00:00Z"))},
	} {
		w := &world{head: head, records: c.records, exists: c.exists}
		in := input()
		in.Schedule, in.Created = "CRON_TZ=Europe/Berlin 0 3 * * *", c.created
		require.NoError(t, in.Validate(), name)
		out, err := reconcile.Run(t.Context(), w.deps(), stage.Frame{Log: slog.New(slog.DiscardHandler)}, in)
		require.NoError(t, err, name)
		assert.Equal(t, c.result, out.Result, name)
		var runs []string
		for _, missed := range w.started {
			runs = append(runs, missed.Run)
			assert.Equal(t, c.run != first, missed.Pusher == reconcile.OnSchedule, name)
		}
		assert.Equal(t, c.run, strings.Join(runs, " "), name)
	}
}

func TestAScheduleThatCannotBeReadIsRefused(t *testing.T) {
	in := input()
	in.Schedule, in.Created = "CRON_TZ=Europe/Bielefeld 0 3 * * *", "2026-11-27T02:00:00Z"
	assert.ErrorContains(t, in.Validate(), "--schedule")
	in.Schedule, in.Created = "0 3 * * *", ""
	assert.ErrorContains(t, in.Validate(), "--schedule needs --created")
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
