package stage_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

func TestARetriedStepRecordsItsNextAttemptAndOverwritesNone(t *testing.T) {
	records := buckettest.New(map[string]string{"metadata/workflows/run-1/work.json": "put there before"})
	for attempt, err := range []error{errs.Temporaryf("busy"), nil} {
		p := program(func(stage.Frame, input) (output, error) { return output{}, err })
		p.Bucket = func(context.Context, string) (bucket.Bucket, error) { return records, nil }
		run(p, "--commit", "0123", "--workflow", "run-1", "--step", "work", "--records", "artifacts")
		assert.NotEmpty(t, records.Document(bucket.StepRecordKey("run-1", "work", attempt+2)))
	}
	assert.Equal(t, "put there before", records.Document("metadata/workflows/run-1/work.json"))
	all, err := stage.StepRecords(t.Context(), records, "run-1")
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, stage.Done, all[0].Status, "the last attempt counts")
}

// TestARecordThatNamesAnotherStepIsNotUsed is T16: whoever holds the identity of a build
// may write records of builds, and forges one of a deployment or of another run.
func TestARecordThatNamesAnotherStepIsNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		forged stage.Record
		used   bool
	}{
		"its own":                  {stage.Record{Workflow: "run-1", Step: "build", Status: stage.Done}, true},
		"of a deployment":          {stage.Record{Workflow: "run-1", Step: "deploy-prod", Status: stage.Done}, false},
		"of the pipeline's update": {stage.Record{Workflow: "run-1", Step: "pipeline", Status: stage.Done, Outputs: map[string]string{"handover": `{"run":"evil"}`}}, false},
		"of another run":           {stage.Record{Workflow: "run-2", Step: "build", Status: stage.Done}, false},
	} {
		data, err := json.Marshal(c.forged)
		require.NoError(t, err)
		records := buckettest.New(map[string]string{bucket.StepRecordKey("run-1", "build", 1): string(data), bucket.StepRecordKey("run-10", "build", 1): "of another run"})
		all, err := stage.StepRecords(t.Context(), records, "run-1")
		require.NoError(t, err, name)
		require.Len(t, all, 1, name)
		assert.Equal(t, "build", all[0].Step, name)
		assert.Equal(t, c.used, all[0].Status == stage.Done, name)
		assert.Equal(t, c.used, all[0].Error == "", name)
		assert.Empty(t, all[0].Outputs, name)

		c.forged.Status = errs.Temporary.String()
		data, err = json.Marshal(c.forged)
		require.NoError(t, err)
		records = buckettest.New(map[string]string{bucket.StepRecordKey("run-1", "build", 1): string(data)})
		interrupted, err := stage.StepInterrupted(t.Context(), records, "run-1", "build")
		require.NoError(t, err, name)
		assert.Equal(t, c.used, interrupted, name)
	}
}
