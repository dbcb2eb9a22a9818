package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// world is a bucket, targets and CloudWatch.
type world struct {
	objects
	lock      sync.Mutex
	told      []event.Event
	published []metric.Datum
	calls     int
	down      error // of the target and of CloudWatch
}

// Send is the target.
func (w *world) Send(_ context.Context, e event.Event) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.down == nil {
		w.told = append(w.told, e)
	}
	return w.down
}

func (w *world) deps() record.Deps {
	return record.Deps{
		Bucket: w.objects,
		Subscriptions: []notify.Subscription{{
			Name: "chat", Wants: func(event.Event) bool { return true }, Open: func(context.Context) (notify.Target, error) { return w, nil },
		}},
		Publish: func(_ context.Context, data []metric.Datum) error {
			w.lock.Lock()
			defer w.lock.Unlock()
			w.calls++
			w.published = append(w.published, data...)
			return w.down
		},
	}
}

// ends records a run of a name, whose deployment to dev ended so at a minute.
func (w *world) ends(t *testing.T, run string, minute int, status string, change func(*record.Input)) record.Document {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)
	step := stage.Record{
		Workflow: run, Step: "deploy-dev", Status: stage.Done, Started: at, Ended: at.Add(30 * time.Second),
		Outputs: map[string]string{"summary": `{"stacks":[{"name":"Api","action":"updated","seconds":20},{"name":"Data","action":"unchanged","seconds":1}]}`},
	}
	if status != "Succeeded" {
		step.Status, step.Error = "failed", "stack Api:\n\x1b[31mAPI \u202egateway\x1b[0m failed"
	}
	data, err := json.Marshal(step)
	require.NoError(t, err)
	attempt := 1
	for w.Document(bucket.StepRecordKey(run, "deploy-dev", attempt)) != "" {
		attempt++
	}
	w.Set(bucket.StepRecordKey(run, "deploy-dev", attempt), string(data))
	return w.records(t, run, status, change)
}

// records records a run with the steps that are there.
func (w *world) records(t *testing.T, run, status string, change func(*record.Input)) record.Document {
	t.Helper()
	in := record.Input{Status: status, Commit: "0123", Bucket: "artifacts", Pipeline: "shop", Metrics: true, Created: "2026-01-01T00:00:00Z"}
	if change != nil {
		change(&in)
	}
	_, err := record.Run(t.Context(), w.deps(), stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: run, Step: "record"}, in)
	require.NoError(t, err)
	document, err := record.ReadRun(t.Context(), w.objects, run)
	require.NoError(t, err)
	return document
}

func TestTheEndOfARunIsToldAndTheRecordSaysToWhom(t *testing.T) {
	w := &world{objects: holding(nil)}
	document := w.ends(t, "shop-1", 1, "Failed", func(in *record.Input) { in.Branch, in.Pusher = "x\ny", strings.Repeat("é", 2000) })
	require.Len(t, w.told, 1)
	e := w.told[0]
	assert.Equal(t, []string{"s3://artifacts", "shop-1", string(event.Finished)}, []string{e.Source, e.Subject, string(e.Type)})
	assert.Equal(t, "deploy-dev: stack Api: API \\u202egateway failed", e.Data.Error)
	assert.Equal(t, "x y", e.Data.Branch)
	assert.LessOrEqual(t, len(e.Data.Pusher), 2100)
	require.Len(t, e.Data.Environments, 1)
	dev := e.Data.Environments[0]
	assert.Equal(t, event.Failed, dev.Outcome)
	assert.Equal(t, []event.Stack{{Name: "Api", Action: "updated", Seconds: 20}, {Name: "Data", Action: "unchanged", Seconds: 1}}, dev.Stacks)

	require.Len(t, document.Notified, 1)
	assert.Equal(t, notify.Delivery{Target: "chat", Event: e.ID, Sent: true, Attempts: 1, At: document.Notified[0].At}, document.Notified[0])
	assert.Equal(t, &record.Published{Values: 8}, document.Published)
	assert.Equal(t, 1, w.calls)
}

func TestNothingThatIsDownChangesTheOutcomeOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{objects: holding(nil), down: errs.Temporaryf("it did not answer").WithHint("look there")}
		began := time.Now()
		document := w.ends(t, "shop-1", 1, "Succeeded", nil)
		assert.LessOrEqual(t, time.Since(began), 10*time.Second)
		assert.Equal(t, "Succeeded", document.Status)
		require.Len(t, document.Notified, 1)
		assert.Equal(t, []string{"it did not answer", "look there"}, []string{document.Notified[0].Error, document.Notified[0].Hint})
		assert.Equal(t, &record.Published{Values: 8, Error: "it did not answer", Hint: "look there"}, document.Published)
		assert.NotEmpty(t, w.Document(bucket.DeployedKey()))
	})
}

func TestARunThatIsRecordedAgainIsNeitherToldNorCountedTwice(t *testing.T) {
	w := &world{objects: holding(nil)}
	w.ends(t, "shop-1", 1, "Failed", nil)
	again := w.records(t, "shop-1", "Failed", nil) // the pod was lost after it told
	assert.Len(t, w.told, 1)
	assert.Len(t, again.Notified, 1)
	assert.Len(t, w.published, 8)

	retried := w.ends(t, "shop-1", 5, "Succeeded", nil) // argo retry
	require.Len(t, w.told, 2)
	assert.True(t, w.told[1].Data.Recovered)
	assert.NotEqual(t, w.told[0].ID, w.told[1].ID)
	assert.Len(t, retried.Notified, 2)
	runs := 0
	for _, d := range w.published {
		if d.Name == metric.WorkflowCount {
			runs++
		}
	}
	assert.Equal(t, 2, runs, "once with and once without the pipeline")
	assert.Len(t, w.published, 12)
}

func TestARunThatSucceedsAfterAFailedOneRecovered(t *testing.T) {
	w := &world{objects: holding(nil)}
	for i, c := range []struct {
		status string
		change func(*record.Input)
		want   bool
	}{
		{"Succeeded", nil, false},
		{"Failed", nil, false},
		{"Failed", func(in *record.Input) { in.Entrypoint = "check" }, false},
		{"Succeeded", nil, true},
		{"Succeeded", nil, false},
		{"Failed", func(in *record.Input) { in.Entrypoint = "check" }, false},
		{"Succeeded", nil, false},
	} {
		w.ends(t, "shop-"+string(rune('a'+i)), i, c.status, c.change)
		assert.Equal(t, c.want, w.told[i].Data.Recovered, "run %d", i)
		assert.Equal(t, c.change != nil, w.told[i].Data.Check)
	}
}

func TestARunThatANewerOneSupersededReachesNoEnvironment(t *testing.T) {
	w := &world{objects: holding(nil)}
	data, err := json.Marshal(stage.Record{Workflow: "shop-1", Step: "deploy-dev", Status: "superseded", Error: "newer"})
	require.NoError(t, err)
	w.Set(bucket.StepRecordKey("shop-1", "deploy-dev", 1), string(data))
	w.records(t, "shop-1", "Failed", nil)
	assert.Equal(t, event.Superseded, w.told[0].Data.Outcome)
	assert.Empty(t, w.told[0].Data.Environments)
	assert.Len(t, w.published, 4, "of the run alone")
}

func TestARunThatHadNothingToDoIsASkippedOneAndNeitherCountedNorTakenForAFailure(t *testing.T) {
	w := &world{objects: holding(nil)}
	w.ends(t, "shop-1", 1, "Succeeded", nil)
	data, err := json.Marshal(stage.Record{Workflow: "shop-2", Step: "validate", Status: stage.Done, Outputs: map[string]string{"skipped": "no file changed"}})
	require.NoError(t, err)
	w.Set(bucket.StepRecordKey("shop-2", "validate", 1), string(data))
	calls := w.calls
	document := w.records(t, "shop-2", "Succeeded", nil)
	assert.Equal(t, record.Skipped, document.Status)
	require.Len(t, w.told, 2)
	assert.Equal(t, []any{event.Skipped, "no file changed"}, []any{w.told[1].Data.Outcome, w.told[1].Data.Skipped})
	assert.Equal(t, calls, w.calls)
	w.ends(t, "shop-3", 3, "Succeeded", nil)
	require.NotEmpty(t, w.told)
	assert.False(t, w.told[len(w.told)-1].Data.Recovered)
}

func TestARunOfThisMachineTellsNobody(t *testing.T) {
	w := &world{objects: holding(nil)}
	document := w.ends(t, "shop-1", 1, "Failed", func(in *record.Input) { in.Silent = true })
	assert.Empty(t, w.told)
	assert.Empty(t, w.published)
	assert.Nil(t, document.Published)
	document = w.ends(t, "shop-2", 2, "Failed", func(in *record.Input) { in.Metrics = false })
	assert.Empty(t, w.published)
	assert.Nil(t, document.Published)
}

func TestAnEnvironmentWhosePodWasLostFailed(t *testing.T) {
	w := &world{objects: holding(nil)}
	w.records(t, "shop-1", "Failed", func(in *record.Input) {
		in.Failures = `[{"displayName":"release","message":""},{"displayName":"deploy-dev","message":"No more retries left"},{"displayName":"deploy-dev(0)","message":"OOMKilled"},
			{"displayName":"deploy-prod","message":"workflow shutdown with strategy:  Stop"},{"displayName":"approve-prod","message":"no"}]`
	})
	assert.Equal(t, []event.Environment{{Name: "dev", Outcome: event.Failed, Error: "OOMKilled"}}, w.told[0].Data.Environments)
}

func TestTestsAreAPartOfTheDeploymentOfTheirEnvironment(t *testing.T) {
	w := &world{objects: holding(nil)}
	data, err := json.Marshal(stage.Record{Workflow: "shop-1", Step: "test-dev", Status: "failed", Error: "2 tests failed", Started: time.Date(2026, 1, 1, 0, 3, 0, 0, time.UTC), Ended: time.Date(2026, 1, 1, 0, 4, 0, 0, time.UTC)})
	require.NoError(t, err)
	w.Set(bucket.StepRecordKey("shop-1", "test-dev", 1), string(data))
	w.ends(t, "shop-1", 1, "Succeeded", nil)
	dev := w.told[0].Data.Environments[0]
	assert.Equal(t, []any{event.Failed, "2 tests failed", 3 * time.Minute}, []any{dev.Outcome, dev.Error, dev.Ended.Sub(dev.Started)})
}

// closed is a bucket that takes the record of a run, and nothing after it.
type closed struct {
	objects
	updates int
}

func (c *closed) Update(ctx context.Context, key string, change bucket.Change) error {
	if key == bucket.RunRecordKey("shop-1") {
		if c.updates++; c.updates > 1 {
			return errors.New("access denied")
		}
	}
	return c.objects.Update(ctx, key, change)
}

func TestWhatCannotBeRecordedAsCountedIsNotPublished(t *testing.T) {
	w := &world{objects: holding(nil)}
	d := w.deps()
	d.Bucket = &closed{objects: w.objects}
	var log strings.Builder
	_, err := record.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.NewTextHandler(&log, nil)), Workflow: "shop-1", Step: "record"},
		record.Input{Status: "Failed", Commit: "0123", Bucket: "artifacts", Pipeline: "shop", Metrics: true})
	require.NoError(t, err)
	assert.Len(t, w.told, 1)
	assert.Empty(t, w.published)
	assert.Contains(t, log.String(), "the metrics of the run were not published")
	assert.Contains(t, log.String(), "the record of the run does not say who was notified")
}

func TestTargetsThatAreNoListAreRefused(t *testing.T) {
	in := record.Input{Status: "Failed", Commit: "0123", Bucket: "artifacts", Notifications: "{{inputs}}"}
	assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()))
}

func TestAnEventNamesTheEnvironmentsThatARunDidNotReachAndItsPage(t *testing.T) {
	reached := func(change func(*record.Input)) event.Run {
		w := &world{objects: holding(nil)}
		w.ends(t, "shop-1", 1, "Failed", func(in *record.Input) {
			in.Environments, in.RunURL = "dev prod test", "https://argo.example.com/workflows/argo/{run}?run={run}"
			change(in)
		})
		require.Len(t, w.told, 1)
		return w.told[0].Data
	}
	run := reached(func(*record.Input) {})
	assert.Equal(t, []string{"prod", "test"}, run.NotReached)
	assert.Equal(t, "https://argo.example.com/workflows/argo/shop-1?run=shop-1", run.URL)
	assert.Equal(t, []string{"prod"}, reached(func(in *record.Input) { in.LeftOut = []string{"test"} }).NotReached, "nobody waits for what was left out")
	assert.Empty(t, reached(func(in *record.Input) { in.Entrypoint = "check" }).NotReached)
	assert.Empty(t, reached(func(in *record.Input) { in.RunURL = "" }).URL)
}
