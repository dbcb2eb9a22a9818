package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// ended is a run that ended at a minute, whose deployments came to these states.
func ended(run, commit string, minute int, deployments map[string]string) record.Document {
	at := time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)
	d := record.Document{Workflow: run, Status: "Succeeded", Commit: commit, Pusher: "octocat", Branch: "main", Created: at.Format(time.RFC3339), Ended: at}
	for env, status := range deployments {
		step := stage.Record{Workflow: run, Step: "deploy-" + env, Status: status, Ended: at}
		if status != stage.Done {
			d.Status, step.Error = "Failed", "no"
		}
		d.Steps = append(d.Steps, step)
	}
	return d
}

// indexed reports the runs in this order, and returns the index.
func indexed(t *testing.T, b objects, runs ...record.Document) record.Index {
	t.Helper()
	for _, run := range runs {
		require.NoError(t, record.Store(t.Context(), b, run))
	}
	x, err := record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	return x
}

// An older run whose tests alone are retried succeeds after a newer one.
func TestAnOlderRunThatSucceedsLaterIsNotWhatThePipelineDeployedLast(t *testing.T) {
	older := ended("shop-1", "aaa", 1, map[string]string{"dev": stage.Done, "prod": stage.Done})
	newer := ended("shop-2", "bbb", 2, map[string]string{"dev": stage.Done, "prod": stage.Done})
	failed := older
	failed.Status = "Failed"
	b := holding(nil)
	indexed(t, b, failed, newer)
	older.Ended = older.Ended.Add(time.Hour)
	indexed(t, b, older)
	assert.Contains(t, b.Document(bucket.DeployedKey()), `"bbb"`)
	older.Steps[0].Ended, older.Steps[1].Ended = older.Ended, older.Ended // it deploys again
	indexed(t, b, older)
	assert.Contains(t, b.Document(bucket.DeployedKey()), `"aaa"`)
}

func TestTheIndexSaysWhatIsInWhichEnvironmentInWhateverOrderRunsAreRecorded(t *testing.T) {
	runs := []record.Document{
		ended("shop-1", "aaa", 1, map[string]string{"dev": stage.Done, "prod": stage.Done}),
		ended("shop-2", "bbb", 2, map[string]string{"dev": stage.Done, "prod": "failed"}),
		ended("shop-3", "ccc", 3, map[string]string{"dev": "failed"}),
		ended("shop-4", "ddd", 4, map[string]string{"dev": stage.Done}),
	}
	for name, order := range map[string][]int{"as they ended": {0, 1, 2, 3}, "backwards": {3, 2, 1, 0}, "one twice": {2, 0, 3, 1, 3, 0}} {
		var given []record.Document
		for _, at := range order {
			given = append(given, runs[at])
		}
		x := indexed(t, holding(nil), given...)
		require.Len(t, x.Environments, 2, name)
		dev, prod := x.Environments[0], x.Environments[1]
		assert.Equal(t, record.Environment{Environment: "dev", Commit: "ddd", Branch: "main", Since: runs[3].Ended, By: "octocat", Run: "shop-4"}, dev, name)
		assert.Equal(t, "aaa", prod.Commit, name)
		assert.Equal(t, &record.Failed{Commit: "bbb", By: "octocat", Run: "shop-2", Ended: runs[1].Ended, Error: "no"}, prod.Failed, name)
		var names []string
		for _, run := range x.Runs {
			names = append(names, run.Run)
		}
		assert.Equal(t, []string{"shop-4", "shop-3", "shop-2", "shop-1"}, names, name)
	}
}

func TestAnIndexThatIsMissingOrDamagedIsMadeFromTheRecords(t *testing.T) {
	for name, index := range map[string]string{"missing": "", "damaged": `{"runs":[{`, "of something else": `{}`} {
		b := holding(map[string]string{
			"metadata/workflows/damaged-1.json": "{", "metadata/workflows/forged-1.json": `{"workflow":"shop-9","steps":[]}`,
			"metadata/workflows/shop-1/build.json": `{}`, bucket.DeployedKey(): `{"commit":"aaa"}`,
		})
		for _, run := range []record.Document{ended("shop-1", "aaa", 1, map[string]string{"dev": stage.Done}), ended("shop-2", "bbb", 2, map[string]string{"dev": "failed"})} {
			data, err := json.Marshal(run)
			require.NoError(t, err)
			b.Set(bucket.RunRecordKey(run.Workflow), string(data))
		}
		if index != "" {
			b.Set(bucket.IndexKey(), index)
		}
		read, err := record.ReadIndex(t.Context(), b)
		require.NoError(t, err, name)
		assert.Len(t, read.Runs, 2, name)
		assert.Equal(t, index, b.Document(bucket.IndexKey()), "reading writes nothing")

		x := indexed(t, b, ended("shop-3", "ccc", 3, map[string]string{"dev": stage.Done}))
		assert.Len(t, x.Runs, 3, name)
		assert.Equal(t, "ccc", x.Environments[0].Commit, name)
		assert.Contains(t, b.Document(bucket.IndexKey()), "shop-1", name)
	}
}

func TestTheIndexKeepsTheNewestRunsAndIsReadAtOnce(t *testing.T) {
	b := holding(nil)
	var all []record.Document
	for i := range 1010 {
		all = append(all, ended(fmt.Sprintf("shop-%04d", i), strings.Repeat("a", 40), i, map[string]string{"dev": stage.Done}))
	}
	for _, run := range all {
		data, err := json.Marshal(run)
		require.NoError(t, err)
		b.Set(bucket.RunRecordKey(run.Workflow), string(data))
	}
	last := all[len(all)-1]
	last.Error = strings.Repeat("é", 100_000)
	x := indexed(t, b, last)
	require.Len(t, x.Runs, 1000)
	assert.Equal(t, "shop-1009", x.Runs[0].Run)
	assert.Equal(t, "shop-0010", x.Runs[999].Run)
	assert.Less(t, len(x.Runs[0].Error), 600)

	read, err := record.ReadIndex(t.Context(), oneRead{b, t})
	require.NoError(t, err)
	assert.Equal(t, x, read)
}

// oneRead is a bucket of which nothing but the index may be read.
type oneRead struct {
	objects
	t *testing.T
}

func (b oneRead) Get(ctx context.Context, key string) ([]byte, error) {
	assert.Equal(b.t, bucket.IndexKey(), key)
	return b.objects.Get(ctx, key)
}

func (b oneRead) List(context.Context, string) ([]string, error) {
	b.t.Error("nothing is listed")
	return nil, nil
}

// unlisted is a bucket that does not answer when it is listed.
type unlisted struct{ objects }

func (unlisted) List(context.Context, string) ([]string, error) {
	return nil, errs.Temporaryf("no answer")
}

func TestAnIndexThatCannotBeMadeIsNotReplacedByOneWithLessInIt(t *testing.T) {
	b := holding(nil)
	err := record.Store(t.Context(), unlisted{b}, ended("shop-1", "aaa", 1, nil))
	require.ErrorContains(t, err, "adding run \"shop-1\" to the index of runs")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
	assert.Empty(t, b.Document(bucket.IndexKey()))
	assert.NotEmpty(t, b.Document(bucket.RunRecordKey("shop-1")), "the record of the run does not depend on it")
}

func TestARunOfThisStageIsInTheIndex(t *testing.T) {
	b := holding(nil)
	b.step(t, "deploy-dev", 1, "")
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1", Step: "record"}
	_, err := record.Run(t.Context(), b.deps(), frame, record.Input{Status: "Succeeded", Commit: "0123", Pusher: "octocat", Bucket: "artifacts"})
	require.NoError(t, err)
	x, err := record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	require.Len(t, x.Runs, 1)
	assert.Equal(t, "octocat", x.Runs[0].By)
}
