package record_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// objects is a bucket in memory.
type objects struct{ *buckettest.Memory }

func holding(documents map[string]string) objects { return objects{buckettest.New(documents)} }

func (b objects) deps() record.Deps { return record.Deps{Bucket: b} }

func (b objects) step(t *testing.T, name string, minute int, err string) {
	t.Helper()
	data, encodeErr := json.Marshal(stage.Record{
		Workflow: "shop-1", Step: name, Started: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC), Error: err, Hint: "look there",
	})
	require.NoError(t, encodeErr)
	b.Set(bucket.StepRecordKey("shop-1", name, 1), string(data))
}

func run(t *testing.T, b objects, in record.Input) record.Document {
	t.Helper()
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1", Step: "record"}
	in.Commit, in.Bucket = "0123", "artifacts"
	_, err := record.Run(context.Background(), b.deps(), frame, in)
	require.NoError(t, err)
	var document record.Document
	require.NoError(t, json.Unmarshal([]byte(b.Document("metadata/workflows/shop-1.json")), &document))
	return document
}

func TestTheStepsAreJoinedInTheOrderInWhichTheyStarted(t *testing.T) {
	b := holding(map[string]string{"metadata/workflows/shop-10/validate.json": "of another run"})
	b.step(t, "build", 2, "")
	b.step(t, "validate", 1, "")
	b.step(t, "record", 3, "of an attempt before")
	document := run(t, b, record.Input{Status: "Succeeded"})

	assert.Equal(t, "Succeeded", document.Status)
	assert.Equal(t, []string{"validate", "build"}, []string{document.Steps[0].Step, document.Steps[1].Step})
	assert.Len(t, document.Steps, 2)
	assert.Empty(t, document.Error)
}

func TestAFailureIsExplainedByTheStepThatRecordedIt(t *testing.T) {
	b := holding(nil)
	b.step(t, "deploy-dev", 1, "stack ApiStack failed")
	document := run(t, b, record.Input{Status: "Failed", Failures: `[{"displayName":"deploy-dev","message":"Error (exit code 1)"}]`})

	assert.Equal(t, "deploy-dev: stack ApiStack failed", document.Error)
	assert.Equal(t, "look there", document.Hint)
}

func TestAPodThatDiedWithoutARecordIsExplainedByArgo(t *testing.T) {
	failures := strconv.Quote(`[{"displayName":"build","message":"OOMKilled","phase":"Error"}]`) // as Argo passes it
	document := run(t, holding(nil), record.Input{Status: "Error", Failures: failures})

	assert.Equal(t, "build: OOMKilled", document.Error)
	assert.Equal(t, "Error", document.Failures[0].Phase)
}

// TestARunThatAPersonStoppedHasNotFailed holds that argo stop and Ctrl-C of a local
// run are distinguished from a failure: Argo calls all of them Failed.
func TestARunThatAPersonStoppedHasNotFailed(t *testing.T) {
	const shutdown = "workflow shutdown with strategy:  Stop"
	for name, c := range map[string]struct {
		steps   map[string]string
		failure string
		status  string
		want    string
		says    string
	}{
		"in a stage":                 {map[string]string{"build": "done", "deploy-dev": "cancelled"}, "Error (exit code 143)", "Failed", "Stopped", "deploy-dev: why"},
		"superseded":                 {map[string]string{"build": "done", "deploy-dev": "superseded"}, "Error (exit code 1)", "Failed", "Superseded", "deploy-dev: why"},
		"at an approval":             {map[string]string{"build": "done"}, shutdown, "Failed", "Stopped", "deploy-dev: stopped"},
		"after a stage failed":       {map[string]string{"build": "failed", "deploy-dev": "cancelled"}, "Error (exit code 143)", "Failed", "Failed", "build: why"},
		"when nothing was left":      {map[string]string{"build": "done", "deploy-dev": "cancelled"}, "", "Succeeded", "Succeeded", "deploy-dev: why"},
		"a pod that died all itself": {map[string]string{"build": "done"}, "OOMKilled", "Error", "Error", "deploy-dev: OOMKilled"},
	} {
		b := holding(nil)
		for step, status := range c.steps {
			r := stage.Record{Workflow: "shop-1", Step: step, Status: status}
			if status != stage.Done {
				r.Error = "why"
			}
			if step != "build" {
				r.Started = time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)
			}
			data, err := json.Marshal(r)
			require.NoError(t, err)
			b.Set(bucket.StepRecordKey("shop-1", step, 1), string(data))
		}
		document := run(t, b, record.Input{Status: c.status, Failures: `[{"displayName":"deploy-dev","message":"` + c.failure + `"}]`})
		assert.Equal(t, c.want, document.Status, name)
		assert.Equal(t, c.says, document.Error, name)
	}
}

func TestARunThatHandedOverNamesItsSuccessorAndViceVersa(t *testing.T) {
	b := holding(nil)
	data, err := json.Marshal(stage.Record{Workflow: "shop-1", Step: "pipeline", Outputs: map[string]string{
		"result": "handed-over", "handover": `{"run":"shop-1-h","template":"shop-3f","artifact":"a","digest":"d"}`,
	}})
	require.NoError(t, err)
	b.Set(bucket.StepRecordKey("shop-1", "pipeline", 1), string(data))
	assert.Equal(t, "shop-1-h", run(t, b, record.Input{Status: "Succeeded"}).HandedOver)

	records := stage.Records{Bucket: b}
	found, err := records.First(t.Context(), "", "shop-0", "shop-1")
	require.NoError(t, err)
	handover, err := stage.HandoverOf(found.Steps)
	require.NoError(t, err)
	assert.Equal(t, &stage.Handover{Run: "shop-1-h", Template: "shop-3f", Artifact: "a", Digest: "d"}, handover, "a lost run is started by what its record says")

	b = holding(nil)
	b.step(t, "pipeline", 1, "")
	document := run(t, b, record.Input{Status: "Succeeded", Origin: "shop-0"})
	assert.Empty(t, document.HandedOver)
	assert.Equal(t, "shop-0", document.Origin)
}

func TestARecordListsAtTheTopWhatTheRunDidNotDeploy(t *testing.T) {
	pipelineOf := func(run, unreached string) string {
		data, err := json.Marshal(stage.Record{Workflow: run, Step: "pipeline", Outputs: map[string]string{
			"undeployed": `["Cache"]`, "unreached": unreached, "removed": `[{"name":"Till","account":"111111111111","region":"eu-west-1"}]`,
		}})
		require.NoError(t, err)
		return string(data)
	}
	till := []stage.RemovedStack{{Name: "Till", Account: "111111111111", Region: "eu-west-1"}}
	b := holding(map[string]string{bucket.StepRecordKey("shop-1", "pipeline", 1): pipelineOf("shop-1", `["eu2"]`)})
	document := run(t, b, record.Input{Status: "Succeeded"})
	assert.Equal(t, []string{"Cache"}, document.Undeployed)
	assert.Equal(t, []string{"eu2"}, document.Unreached)
	assert.Equal(t, till, document.Removed)

	own, err := json.Marshal(stage.Record{Workflow: "shop-1", Step: "pipeline", Outputs: map[string]string{"undeployed": `[]`, "unreached": `["eu3"]`, "removed": `[]`}})
	require.NoError(t, err)
	b = holding(map[string]string{bucket.StepRecordKey("shop-0", "pipeline", 1): pipelineOf("shop-0", "[]"), bucket.StepRecordKey("shop-1", "pipeline", 1): string(own)})
	document = run(t, b, record.Input{Status: "Succeeded", Origin: "shop-0"})
	assert.Equal(t, []string{"Cache"}, document.Undeployed, "as the run found that handed over")
	assert.Equal(t, []string{"eu3"}, document.Unreached, "which it reaches itself is what counts")
	assert.Equal(t, till, document.Removed)
}

func TestAFailedDAGNodeIsNotTheCause(t *testing.T) {
	failures := `[{"displayName":"release","phase":"Failed"},{"displayName":"build","message":"OOMKilled","phase":"Error"}]`
	assert.Equal(t, "build: OOMKilled", run(t, holding(nil), record.Input{Status: "Error", Failures: failures}).Error)
}

func TestTheCauseIsThatOfTheLastAttemptAndNotThatItIsTheLast(t *testing.T) {
	for _, final := range []string{"retryStrategy.expression evaluated to false", "No more retries left"} {
		failures := `[{"displayName":"deploy-dev","message":"` + final + `"},{"displayName":"deploy-dev(0)","message":"The disk is full."}]`
		assert.Equal(t, "deploy-dev: The disk is full.", run(t, holding(nil), record.Input{Status: "Failed", Failures: failures}).Error)
	}
}

func TestFailuresThatAreNoListAreRefused(t *testing.T) {
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1"}
	_, err := record.Run(context.Background(), holding(nil).deps(), frame, record.Input{Failures: "{{workflow.failures}}"})
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestWhatARunDeployedIsKeptWhenItSucceeded(t *testing.T) {
	for name, c := range map[string]struct {
		step, status string
		kept         bool
	}{
		"a run that deployed": {"deploy-dev", "Succeeded", true}, "a run that failed": {"deploy-dev", "Failed", false}, "the check of a pull request": {"validate", "Succeeded", false},
	} {
		b := holding(nil)
		b.step(t, c.step, 1, "")
		run(t, b, record.Input{Status: c.status})
		assert.Equal(t, c.kept, b.Document(bucket.DeployedKey()) != "", name)
	}
}

func TestARunThatLeavesEnvironmentsOutSaysSoAndDoesNotProveItsCommit(t *testing.T) {
	b := holding(map[string]string{bucket.StepRecordKey("shop-1", "deploy-prod", 1): `{"workflow":"shop-1","step":"deploy-prod","status":"done","ended":"2026-01-01T00:00:00Z"}`})
	document := run(t, b, record.Input{Status: "Succeeded", LeftOut: []string{"dev", "stage"}})
	assert.Equal(t, []string{"dev", "stage"}, document.LeftOut)
	assert.Empty(t, b.Document(bucket.DeployedKey()))
	x, err := record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	assert.Equal(t, "shop-1", x.Environments[0].Run, "it is what the environment has")
	assert.Equal(t, []string{"dev", "stage"}, x.Environments[0].LeftOut)

	run(t, b, record.Input{Status: "Succeeded"})
	assert.NotEmpty(t, b.Document(bucket.DeployedKey()))
	x, err = record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	assert.Empty(t, x.Environments[0].LeftOut, "of a run before")
}

// TestARecordIsReplacedByARetryOfItsRunAndByNoOtherRun is about two workflows of one name,
// the first of which is gone.
func TestARecordIsReplacedByARetryOfItsRunAndByNoOtherRun(t *testing.T) {
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1", Step: "record"}
	first := record.Input{Status: "Failed", Commit: "0123", Bucket: "artifacts", Created: "2026-01-01T00:00:00Z"}
	for name, c := range map[string]struct {
		before   string
		change   func(*record.Input)
		replaced bool
		former   int
	}{
		"a retry":                       {"Failed", func(*record.Input) {}, true, 0},
		"a retry after it succeeded":    {"Succeeded", func(*record.Input) {}, true, 0},
		"a retry from the archive":      {"Failed", func(in *record.Input) { in.Created = "2026-02-01T00:00:00Z" }, true, 1},
		"a retry in another zone":       {"Error", func(in *record.Input) { in.Created = "2026-01-01T00:00:01+01:00" }, false, 0},
		"a run of the name before":      {"Failed", func(in *record.Input) { in.Created = "2025-12-31T00:00:00Z" }, false, 0},
		"a run of the name, no time":    {"Failed", func(in *record.Input) { in.Created = "{{workflow.creationTimestamp}}" }, false, 0},
		"a retry of a success":          {"Succeeded", func(in *record.Input) { in.Created = "2026-02-01T00:00:00Z" }, true, 1},
		"a run before a success":        {"Succeeded", func(in *record.Input) { in.Created = "2025-12-31T00:00:00Z" }, false, 0},
		"a later run of another commit": {"Failed", func(in *record.Input) { in.Commit, in.Created = "4567", "2026-02-01T00:00:00Z" }, false, 0},
		"a run of another commit":       {"Failed", func(in *record.Input) { in.Commit = "4567" }, false, 0},
		"a record by hand":              {"Failed", func(in *record.Input) { in.Created = "" }, true, 0},
	} {
		b := holding(nil)
		before := first
		before.Status = c.before
		_, err := record.Run(t.Context(), b.deps(), frame, before)
		require.NoError(t, err, name)
		again := first
		again.Status = "Succeeded"
		c.change(&again)
		kept := b.Document(bucket.RunRecordKey("shop-1"))
		_, err = record.Run(t.Context(), b.deps(), frame, again)
		assert.Equal(t, c.replaced, err == nil, "%s: %v", name, err)
		stored := b.Document(bucket.RunRecordKey("shop-1"))
		assert.Equal(t, c.replaced, stored != kept, name)
		var document record.Document
		require.NoError(t, json.Unmarshal([]byte(stored), &document))
		assert.Len(t, document.Former, c.former, name)
	}
}

func TestARunThatWasRetriedFromTheArchiveListsItsFormerAttempts(t *testing.T) {
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1", Step: "record"}
	b := holding(nil)
	var document record.Document
	attempt := func(month time.Month, status string) {
		in := record.Input{Status: status, Commit: "0123", Bucket: "artifacts", Created: time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)}
		for range 2 { // the pod that records is retried too
			_, err := record.Run(t.Context(), b.deps(), frame, in)
			require.NoError(t, err)
		}
		document = record.Document{}
		require.NoError(t, json.Unmarshal([]byte(b.Document(bucket.RunRecordKey("shop-1"))), &document))
	}
	attempt(1, "Failed")
	b.step(t, "build", 1, "no space left")
	attempt(2, "Error")
	for month := range time.Month(30) {
		attempt(3+month, "Failed")
	}
	assert.Len(t, document.Former, 20)
	attempt(40, "Succeeded")
	require.Len(t, document.Former, 20)
	assert.Equal(t, "Succeeded", document.Status)
	assert.Equal(t, "build: no space left", document.Former[0].Error)
	assert.Equal(t, "Failed", document.Former[0].Status)
	assert.Equal(t, "2028-08-01T00:00:00Z", document.Former[0].Created, "newest first")
}

func TestARunThatHadNothingToDoIsSkippedAndDeployedNothing(t *testing.T) {
	const why = "no file of triggers.paths has changed since 0123, which is deployed"
	validated := func(skipped string) objects {
		data, err := json.Marshal(stage.Record{Workflow: "shop-1", Step: "validate", Status: stage.Done, Outputs: map[string]string{"skipped": skipped}})
		require.NoError(t, err)
		return holding(map[string]string{bucket.StepRecordKey("shop-1", "validate", 1): string(data)})
	}
	b := validated(why)
	document := run(t, b, record.Input{Status: "Succeeded"})
	assert.Equal(t, record.Skipped, document.Status)
	assert.Equal(t, why, document.Skipped)
	assert.Empty(t, document.Error)
	assert.Empty(t, b.Document(bucket.DeployedKey()))
	index, err := record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	require.Len(t, index.Runs, 1)
	assert.Equal(t, why, index.Runs[0].Skipped)
	assert.Equal(t, record.Skipped, index.Runs[0].Status)

	assert.Equal(t, "Succeeded", run(t, validated(""), record.Input{Status: "Succeeded"}).Status)
	assert.Equal(t, "Failed", run(t, validated(why), record.Input{Status: "Failed"}).Status, "what went wrong comes first")
}
