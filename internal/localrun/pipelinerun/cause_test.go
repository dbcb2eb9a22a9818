package pipelinerun

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// failedStep is a step that left a record in its volume.
func failedStep(t *testing.T, status localrun.Status, record string) localrun.StepResult {
	t.Helper()
	step := localrun.StepResult{Name: "build", Status: status, Message: "Error (exit code 2)", Container: "main", Volume: t.TempDir()}
	file := filepath.Join(step.Volume, argo.OutputsOf(step.Container), stage.ResultFile)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(record), 0o600))
	return step
}

func TestTheCauseIsTheRecordOfTheFirstFailedStepElseItsMessage(t *testing.T) {
	done := localrun.StepResult{Name: "validate", Status: localrun.Succeeded}
	later := localrun.StepResult{Name: "deploy", Status: localrun.Failed, Message: "later"}
	for record, want := range map[string]string{
		`{"error":"npm failed","hint":"npm ci"}`: "npm failed",
		`{"error":"npm fai`:                      "Error (exit code 2)",
		``:                                       "Error (exit code 2)",
	} {
		found := causeOf(localrun.Result{Steps: []localrun.StepResult{done, failedStep(t, localrun.Failed, record), later}})
		require.NotNil(t, found)
		assert.Equal(t, "build", found.step)
		assert.Equal(t, want, found.Error)
	}
	assert.Nil(t, causeOf(localrun.Result{Steps: []localrun.StepResult{done}}))
}

func TestTheVerdictIsTheKindOfTheCause(t *testing.T) {
	invalid := &cause{"build", stage.Record{Status: errs.Invalid.String()}}
	failed := &cause{"build", stage.Record{Status: errs.Failed.String()}}
	require.NoError(t, verdict(localrun.Result{Status: localrun.Succeeded}, nil))
	for _, c := range []struct {
		status localrun.Status
		cause  *cause
		want   errs.Kind
	}{
		{localrun.Failed, invalid, errs.Invalid},
		{localrun.Failed, failed, errs.Failed},
		{localrun.Failed, nil, errs.Failed},
		{localrun.Stopped, failed, errs.Cancelled},
		{localrun.Stopped, nil, errs.Cancelled},
	} {
		err := verdict(localrun.Result{Status: c.status}, c.cause)
		assert.Equal(t, c.want, errs.KindOf(err), "%s: %v", c.status, err)
		if c.want == errs.Cancelled {
			assert.ErrorIs(t, err, ErrStopped)
		}
	}
}

func TestAMissingApprovalIsNoFailureOfAStep(t *testing.T) {
	approval := localrun.StepResult{Name: plan.Wait("prod"), Status: localrun.Failed, Message: "not approved"}
	assert.True(t, unapproved(localrun.Result{Steps: []localrun.StepResult{approval}}))
	assert.False(t, unapproved(localrun.Result{Steps: []localrun.StepResult{{Name: "build", Status: localrun.Failed}}}))
	assert.False(t, unapproved(localrun.Result{}))
}
