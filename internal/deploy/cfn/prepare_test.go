package cfn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// prepare prepares a change of the fake in virtual time, with the test inside of the bubble.
func prepare(t *testing.T, setUp func() *fake, o cfn.Options, g cfn.Goal, check func(t *testing.T, f *fake, p cfn.Prepared, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := setUp()
		time.Sleep(time.Hour)
		p, err := cfn.Prepare(t.Context(), f, g, o)
		check(t, f, p, err)
	})
}

func protected() *fake {
	f := newFake().deployed("UPDATE_COMPLETE", string(goal.Template))
	f.stack.EnableTerminationProtection = aws.Bool(true)
	return f
}

func TestAPlanReportsWhatADeploymentWouldDo(t *testing.T) {
	cases := map[string]struct {
		setUp     func() *fake
		options   cfn.Options
		outlook   cfn.Outlook
		changeSet bool
		mutations string
	}{
		"a new stack":                  {newFake, cfn.Options{}, cfn.Create, true, "CreateChangeSet"},
		"the shell of one":             {func() *fake { return newFake().deployed("REVIEW_IN_PROGRESS", "") }, cfn.Options{}, cfn.Create, true, "CreateChangeSet"},
		"a changed stack":              {func() *fake { return newFake().deployed("UPDATE_COMPLETE", "{}") }, cfn.Options{}, cfn.Update, true, "CreateChangeSet"},
		"an unchanged stack":           {func() *fake { return newFake().deployed("UPDATE_COMPLETE", string(goal.Template)) }, cfn.Options{}, cfn.Keep, false, ""},
		"a failed creation":            {func() *fake { return newFake().deployed("ROLLBACK_COMPLETE", "{}") }, cfn.Options{}, cfn.Recreate, false, ""},
		"a failed update, to be ended": {func() *fake { return newFake().deployed("UPDATE_ROLLBACK_FAILED", "{}") }, cfn.Options{MayRollBack: true}, cfn.RollBack, false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			prepare(t, c.setUp, c.options, goal, func(t *testing.T, f *fake, p cfn.Prepared, err error) {
				require.NoError(t, err)
				assert.Equal(t, c.outlook, p.Outlook)
				assert.Equal(t, c.changeSet, p.ChangeSet != "")
				assert.Equal(t, c.mutations, f.mutations())
				assert.Regexp(t, "^sha256:[0-9a-f]{64}$", p.TemplateDigest)
				assert.Nil(t, p.Protect)
				assert.Equal(t, len(f.calls), p.Calls)
			})
		})
	}
}

func TestADiscardedPlanLeavesNoChangeSet(t *testing.T) {
	reviewed := func() *fake { return newFake().deployed("REVIEW_IN_PROGRESS", "") }
	changed := func() *fake { return newFake().deployed("UPDATE_COMPLETE", "{}") }
	failing := func() *fake {
		f := newFake()
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status, set.StatusReason = types.ChangeSetStatusFailed, aws.String("No export named Shop:Table found.")
		}
		return f
	}
	unread := func() *fake {
		f := changed()
		f.fails["GetTemplate"] = []error{nil, apiError("AccessDenied", "no")}
		return f
	}
	lost := func() *fake {
		f := changed()
		f.fails["CreateChangeSet"] = []error{apiError("ServiceUnavailable", "gone")}
		return f
	}
	cases := map[string]struct {
		setUp     func() *fake
		stays     bool // the stack
		fails     bool
		mutations string
	}{
		"a new stack":                            {newFake, false, false, "CreateChangeSet DeleteChangeSet DeleteStack"},
		"an empty stack of somebody else":        {reviewed, true, false, "CreateChangeSet DeleteChangeSet"},
		"a changed stack":                        {changed, true, false, "CreateChangeSet DeleteChangeSet"},
		"a change set that could not be created": {failing, false, true, "CreateChangeSet DeleteChangeSet DeleteChangeSet DeleteStack"},
		"a stack whose template cannot be read":  {unread, true, true, "CreateChangeSet DeleteChangeSet"},
		"a call whose answer was lost":           {lost, true, true, "CreateChangeSet DeleteChangeSet"},
		"a failed creation, which is left alone": {func() *fake { return newFake().deployed("ROLLBACK_COMPLETE", "{}") }, true, false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			prepare(t, c.setUp, cfn.Options{Discard: true}, goal, func(t *testing.T, f *fake, p cfn.Prepared, err error) {
				assert.Equal(t, c.fails, err != nil, "%v", err)
				require.NoError(t, p.DiscardErr)
				assert.Equal(t, c.mutations, f.mutations())
				assert.Equal(t, c.stays, f.stack != nil)
				assert.Empty(t, f.sets)
				for _, in := range f.created {
					assert.Regexp(t, "^aphex-plan-[A-Z0-9]{26}$", *in.ChangeSetName)
				}
			})
		})
	}
}

func TestACancelledPlanLeavesNoChangeSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, stop := context.WithCancel(t.Context())
		prepareSet := f.prepare
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			stop()
			f.later(time.Second, func() { prepareSet(set) }) // it is being made still
		}
		p, err := cfn.Prepare(ctx, f, goal, cfn.Options{Discard: true})
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, p.DiscardErr)
		assert.Nil(t, f.stack)
		assert.Empty(t, f.sets)
	})
}

func TestTheChangeSetOfAPlanThatIsKeptIsNotTouchedByOneThatIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status, set.ExecutionStatus = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
			if len(f.created) == 1 { // meanwhile
				kept := *set
				kept.ChangeSetName, kept.ChangeSetId = aws.String("aphex-deploy"), aws.String("arn:kept")
				f.sets["aphex-deploy"] = &kept
			}
		}
		p, err := cfn.Prepare(t.Context(), f, goal, cfn.Options{Discard: true})
		require.NoError(t, err)
		require.NoError(t, p.DiscardErr)
		assert.Equal(t, "REVIEW_IN_PROGRESS", string(f.stack.StackStatus))
		assert.Len(t, f.sets, 1)
		assert.Equal(t, "CreateChangeSet DeleteChangeSet", f.mutations())
	})
}

func TestADiscardedPlanSendsItsTemplateInlineIfItCan(t *testing.T) {
	small, large := goal, goal
	small.TemplateURL, large.TemplateURL = "https://bucket/small.json", "https://bucket/large.json"
	large.Template = append([]byte(strings.Repeat(" ", cfn.MaxInline)), goal.Template...)
	for _, c := range []struct {
		goal    cfn.Goal
		discard bool
		sent    bool
	}{{small, true, true}, {small, false, false}, {large, true, false}} {
		prepare(t, newFake, cfn.Options{Discard: c.discard}, c.goal, func(t *testing.T, f *fake, _ cfn.Prepared, err error) {
			require.NoError(t, err)
			assert.Equal(t, c.sent, f.created[0].TemplateBody != nil)
			assert.Equal(t, c.sent, f.created[0].TemplateURL == nil)
		})
	}
}

func TestAPlanShowsThatOnlyTheTerminationProtectionChanges(t *testing.T) {
	prepare(t, protected, cfn.Options{}, goal, func(t *testing.T, f *fake, p cfn.Prepared, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		require.NoError(t, err)
		require.NotNil(t, p.Protect)
		assert.False(t, *p.Protect)
	})
}

func TestAPlanOfAStackThatAPersonMustClearIsAnError(t *testing.T) {
	for _, status := range []string{"DELETE_FAILED", "UPDATE_FAILED"} {
		prepare(t, func() *fake { return newFake().deployed(status, "{}") }, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Prepared, err error) {
			require.ErrorContains(t, err, status)
			assert.Equal(t, errs.Failed, errs.KindOf(err))
			assert.Empty(t, f.mutations())
		})
	}
}

func TestTheEmptyStackOfAFailedPlanIsDeleted(t *testing.T) {
	prepare(t, func() *fake {
		f := newFake()
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status, set.StatusReason = types.ChangeSetStatusFailed, aws.String("No export named Shop:Table found.")
		}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Prepared, err error) {
		assert.Equal(t, "No export named Shop:Table found", cfn.Missing(err))
		assert.Equal(t, "CreateChangeSet DeleteChangeSet DeleteStack", f.mutations())
	})
	assert.NotEmpty(t, cfn.Missing(errors.New("ValidationError: Template error: output Table not found in stack Data")))
	assert.NotEmpty(t, cfn.Missing(errors.New("ValidationError: Stack with id Data does not exist")))
	assert.Empty(t, cfn.Missing(nil))
	assert.Empty(t, cfn.Missing(errors.New("the role is not there")))
	assert.NotEmpty(t, cfn.Missing(errors.New("ValidationError: Unable to fetch parameters [/shop/table] from parameter store for this account.")))
}

// planned prepares the goal and returns what a deployment by this plan may do.
func planned(t *testing.T, f *fake, g cfn.Goal) *cfn.Prescribed {
	p, err := cfn.Prepare(t.Context(), f, g, cfn.Options{Workflow: "plan"})
	require.NoError(t, err)
	f.calls = nil
	return &cfn.Prescribed{Digest: p.Digest, ChangeSet: p.ChangeSet, Unchanged: p.Outlook == cfn.Keep}
}

func TestAPlanIsExecutedUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		only := planned(t, f, goal)
		result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "later", Only: only})
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, "ExecuteChangeSet", f.mutations())
		assert.Equal(t, only.ChangeSet, *f.executed[0].ChangeSetName)

		f.template, f.calls = string(goal.Template), nil
		result, err = cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "later still", Only: only})
		require.NoError(t, err, "an executed change set is no change any more")
		assert.Equal(t, cfn.Unchanged, result.Action)
		assert.Empty(t, f.mutations())
	})
}

func TestAStackThatReadsOutputsAndWasPlannedAsUnchangedIsUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := goal
		g.Nested = [][]byte{[]byte(`{"Outputs":{"O":{"Value":{"Fn::GetStackOutput":{"StackName":"S","OutputName":"O"}}}}}`)}
		f := newFake().deployed("UPDATE_COMPLETE", string(g.Template))
		f.stack.Tags = nil
		prepared, err := cfn.Prepare(t.Context(), f, g, cfn.Options{})
		require.NoError(t, err)
		result, err := cfn.Deploy(t.Context(), f, g, cfn.Options{Only: &cfn.Prescribed{Digest: prepared.Digest, Unchanged: true}})
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action)
		assert.NotContains(t, f.mutations(), "Execute")
	})
}

func TestAnOutdatedPlanIsNotExecuted(t *testing.T) {
	other := goal
	other.Template = []byte(`{"Resources":{}}`)
	cases := map[string]struct {
		meanwhile func(f *fake, only *cfn.Prescribed)
		goal      cfn.Goal
		says      string
	}{
		"another template":   {func(*fake, *cfn.Prescribed) {}, other, "differs from the plan: its template"},
		"another change set": {func(f *fake, _ *cfn.Prescribed) { clear(f.sets) }, goal, "its change set is gone"},
		"a stack deployed since": {func(f *fake, _ *cfn.Prescribed) {
			f.sets["aphex-deploy"].ExecutionStatus = types.ExecutionStatusObsolete
		}, goal, "its change set is CREATE_COMPLETE and OBSOLETE"},
		"a stack that is gone":     {func(f *fake, _ *cfn.Prescribed) { f.stack = nil }, goal, "it is gone"},
		"a stack that failed":      {func(f *fake, _ *cfn.Prescribed) { f.status("ROLLBACK_COMPLETE", "") }, goal, "no change set can be created in this state"},
		"nothing was to be done":   {func(_ *fake, only *cfn.Prescribed) { *only = cfn.Prescribed{Digest: only.Digest, Unchanged: true} }, goal, "there was nothing to execute then, but now its template changed"},
		"a stack of the same name": {func(f *fake, _ *cfn.Prescribed) { f.sets["aphex-deploy"].StackId = aws.String(arn + "2") }, goal, "the stack is another one of the same name"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake().deployed("UPDATE_COMPLETE", "{}")
				only := planned(t, f, goal)
				c.meanwhile(f, only)
				_, err := cfn.Deploy(t.Context(), f, c.goal, cfn.Options{Only: only})
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, errs.Failed, errs.KindOf(err))
				assert.NotEmpty(t, errs.HintOf(err))
				assert.Empty(t, f.mutations())
			})
		})
	}
}
