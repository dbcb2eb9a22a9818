package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestTheErrorNamesEveryFailureAndWhatWasSkipped(t *testing.T) {
	failed := errs.Failedf("Api broke").WithHint("fix it")
	err := combine([]error{errs.Temporaryf("throttled"), failed, errors.New("Api broke")}, []string{"Web", "Edge"})
	assert.EqualError(t, err, "throttled\n  Api broke\n  not deployed because of this: Web, Edge")
	assert.Equal(t, errs.Failed, errs.KindOf(err), "a failure is worse than something temporary")
	assert.Equal(t, "fix it", errs.HintOf(err))
	assert.Equal(t, errs.Temporary, errs.KindOf(combine([]error{errs.Temporaryf("throttled")}, nil)))
	assert.Equal(t, errs.Cancelled, errs.KindOf(combine(nil, []string{"Web"})))
	assert.Equal(t, errs.Cancelled, errs.KindOf(combine([]error{fmt.Errorf("watching: %w", context.Canceled)}, []string{"Web"})))
	assert.NoError(t, combine(nil, nil))
}

func TestResultsBecomeASummaryAndOutputs(t *testing.T) {
	start := time.Now()
	targets := map[string]target{}
	for _, name := range []string{"Data", "Api", "Web"} {
		targets[name] = target{name: name, region: "eu-west-1", stack: assembly.Stack{Name: "dev-" + name}}
	}
	results, err := conclude([]schedule.Result[cfn.Result]{
		{Name: "Data", State: schedule.Done, Value: cfn.Result{
			Action: cfn.Updated, Status: "UPDATE_COMPLETE", Started: start, Ended: start.Add(1234 * time.Millisecond), Calls: 9,
			Changes: []cfn.Change{{Action: "Add"}}, Outputs: []cfn.Output{{Key: "Url", Value: "u", Description: "d", ExportName: "e"}},
		}},
		{Name: "Api", State: schedule.Failed, Err: errors.New(strings.Repeat("secret ", 200)), Value: cfn.Result{Action: cfn.Created, Calls: 3, Outputs: []cfn.Output{{Key: "Half"}}}},
		{Name: "Web", State: schedule.Skipped, Because: "Api"},
	}, targets)
	require.Error(t, err)
	summary := results.Summary("dev", func(text string) string { return strings.ReplaceAll(text, "secret", "[redacted]") })
	assert.Equal(t, 12, summary.Calls)
	assert.Equal(t, StackSummary{
		Stack: "Data", Name: "dev-Data", Region: "eu-west-1", Action: "updated", Status: "UPDATE_COMPLETE", Changes: "1 to add", Seconds: 1.2, Outputs: 1,
	}, summary.Stacks[0])
	assert.Equal(t, "failed", summary.Stacks[1].Action)
	assert.Len(t, summary.Stacks[1].Error, maxErrorText)
	assert.NotContains(t, summary.Stacks[1].Error, "secret")
	assert.Equal(t, "skipped", summary.Stacks[2].Action)
	assert.Equal(t, "Api", summary.Stacks[2].Because)
	assert.Equal(t, cmdenv.Outputs{"Data": {"Url": {Value: "u", Description: "d", ExportName: "e"}}}, results.Outputs())
}

func TestAStoppedStackHasNotFailedAndRunningOperationsAreNamed(t *testing.T) {
	watching := fmt.Errorf("watching stack %q, whose %w: %w", "dev-Data", cfn.ErrStillRunning, context.Canceled)
	for name, c := range map[string]struct {
		err    error
		action string
		says   string
	}{
		"while CloudFormation works":  {watching, "stopped", "CloudFormation continues to change dev-Data;"},
		"before it was asked to work": {fmt.Errorf("comparing: %w", context.Canceled), "stopped", "no stack was being changed;"},
		"a stack that failed":         {errs.Failedf("no"), "failed", "no stack was being changed;"},
	} {
		results, err := conclude([]schedule.Result[cfn.Result]{{Name: "Data", State: schedule.Failed, Err: c.err}}, map[string]target{"Data": {stack: assembly.Stack{Name: "dev-Data"}}})
		require.Error(t, err, name)
		summary := results.Summary("dev", func(text string) string { return text })
		assert.Equal(t, c.action, summary.Stacks[0].Action, name)
		assert.Contains(t, summary.StillRunning(), c.says, name)
	}
	assert.Equal(t, `stopped by a signal: watching stack "dev-Data", whose operation still runs`, errs.Stopped(watching, "").Error())
}

func TestAFailedValidationFailsTheStacksWithInvalidTemplates(t *testing.T) {
	targets := map[string]target{}
	for _, name := range []string{"Fine", "Wrong", "Done", "Broken"} {
		targets[name] = target{name: name, stack: assembly.Stack{Name: name, Path: "Dev/" + name}}
	}
	invalid := &invalidTemplates{errs.Failedf("the validation failed").WithHint("fix it"), []string{"Dev/Wrong"}}
	results := []schedule.Result[cfn.Result]{
		{Name: "Fine", State: schedule.Failed, Err: fmt.Errorf("waiting: %w", invalid)},
		{Name: "Wrong", State: schedule.Skipped, Because: "Fine"},
		{Name: "Done", State: schedule.Done},
		{Name: "Broken", State: schedule.Failed, Err: errors.New("its own fault")},
	}
	attribute(results, targets)
	found, err := conclude(results, targets)
	assert.EqualError(t, err, "the validation failed\n  its own fault\n  not deployed because of this: Fine")
	assert.Equal(t, "fix it", errs.HintOf(err))
	states := map[string]schedule.State{}
	for _, r := range found {
		states[r.Stack] = r.State
	}
	assert.Equal(t, map[string]schedule.State{"Fine": schedule.Skipped, "Wrong": schedule.Failed, "Done": schedule.Done, "Broken": schedule.Failed}, states)
	assert.Equal(t, "Wrong", found[0].Because)
}

func TestAFailedValidationOfUnchangedStacksFailsTheStackThatWaited(t *testing.T) {
	targets := map[string]target{}
	for _, name := range []string{"Old", "Fine", "Late", "Broken"} {
		targets[name] = target{name: name, stack: assembly.Stack{Name: name, Path: name}}
	}
	invalid := &invalidTemplates{errs.Failedf("the validation failed"), []string{"Old", "Broken"}}
	results := []schedule.Result[cfn.Result]{
		{Name: "Old", State: schedule.Done},
		{Name: "Fine", State: schedule.Failed, Err: invalid},
		{Name: "Late", State: schedule.Skipped, Because: "Fine"},
		{Name: "Broken", State: schedule.Failed, Err: errors.New("its own fault")},
	}
	before := slices.Clone(results)
	attribute(results, targets)
	assert.Equal(t, before, results)
	_, err := conclude(results, targets)
	assert.Equal(t, errs.Failed, errs.KindOf(err), "and not cancelled")
	assert.EqualError(t, err, "the validation failed\n  its own fault\n  not deployed because of this: Late")
}

func TestFindingsAreAssignedToStacksByPath(t *testing.T) {
	findings := []synth.Finding{{Path: "Dev/Api/Queue/Resource"}, {Path: "Dev/ApiGateway"}}
	assert.Equal(t, []string{"Dev/Api", "Dev/ApiGateway"}, invalidAmong([]string{"Dev/Api", "Dev/ApiGateway", "Dev/Data"}, findings))
}
