package pipelinerun

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// ErrStopped is in the chain of the error of a run that was stopped.
var ErrStopped = errors.New("the run was stopped")

// verdict returns the error of a run; nil if it succeeded.
func verdict(result localrun.Result, cause *cause) error {
	switch {
	case result.Status == localrun.Succeeded:
		return nil
	case result.Status == localrun.Stopped:
		if cause == nil {
			return errs.Cancelledf("%w", ErrStopped).WithHint("run the same command again")
		}
		stopped := errs.Cancelledf("%w at %s", ErrStopped, cause.step)
		if cause.Hint == "" {
			return stopped.WithHint("run the same command again")
		}
		return stopped // the summary shows the state of the stacks and what to do
	case cause != nil && cause.Status == errs.Invalid.String():
		return errs.Invalidf("the run stopped at %s", cause.step)
	case cause != nil:
		return errs.Failedf("the run stopped at %s", cause.step)
	}
	return errs.Failedf("the run did not succeed")
}

// cause is the record of the step that a run stopped at.
type cause struct {
	step string
	stage.Record
}

// causeOf returns the record of the step that failed first; the first of those that ended at the same time.
func causeOf(result localrun.Result) *cause {
	var first *localrun.StepResult
	for i, step := range result.Steps {
		if step.Status != localrun.Failed && step.Status != localrun.Errored && step.Status != localrun.Stopped {
			continue
		}
		if first == nil || step.Ended.Before(first.Ended) {
			first = &result.Steps[i]
		}
	}
	if first == nil {
		return nil
	}
	c := cause{first.Name, stage.Record{Error: first.Message}}
	if first.Volume != "" { // a program ran
		data, err := os.ReadFile(filepath.Join(first.Volume, argo.OutputsOf(first.Container), stage.ResultFile))
		if err == nil {
			_ = json.Unmarshal(data, &c.Record) // use what can be read of an incomplete record
		}
	}
	if c.Error == "" {
		c.Error = first.Message
	}
	return &c
}

// unapproved reports whether a run ended at a missing approval.
func unapproved(result localrun.Result) bool {
	cause := causeOf(result)
	return cause != nil && plan.WaitedFor(cause.step) != ""
}
