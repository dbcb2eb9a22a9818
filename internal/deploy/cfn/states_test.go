package cfn_test

import (
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

func TestEveryStartStateLeadsToADeploymentOrAClearError(t *testing.T) {
	const create = "CreateChangeSet ExecuteChangeSet"
	cases := []struct {
		status    string
		may       bool // roll back
		becomes   []string
		mutations string
		says      string
		hint      string
	}{
		{status: "REVIEW_IN_PROGRESS", mutations: create},
		{status: "ROLLBACK_COMPLETE", mutations: "DeleteStack " + create},
		{status: "ROLLBACK_FAILED", mutations: "DeleteStack " + create},
		{status: "CREATE_FAILED", says: "is CREATE_FAILED: an earlier operation was interrupted", hint: "deployer rollback"},
		{status: "CREATE_FAILED", may: true, becomes: []string{"ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"}, mutations: "RollbackStack retain=true DeleteStack " + create},
		{status: "UPDATE_FAILED", says: "is UPDATE_FAILED", hint: "deployer rollback"},
		{status: "UPDATE_FAILED", may: true, becomes: []string{"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"}, mutations: "RollbackStack retain=true " + create},
		{status: "UPDATE_ROLLBACK_FAILED", says: "is UPDATE_ROLLBACK_FAILED"},
		{status: "UPDATE_ROLLBACK_FAILED", may: true, becomes: []string{"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"}, mutations: "ContinueUpdateRollback " + create},
		{status: "UPDATE_ROLLBACK_FAILED", may: true, becomes: []string{"UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"}, mutations: "ContinueUpdateRollback", says: `stack "Shop" failed (UPDATE_ROLLBACK_FAILED)`},
		{status: "DELETE_FAILED", says: "is DELETE_FAILED", hint: "keeping the resources that cannot be deleted"},
		{status: "IMPORT_ROLLBACK_FAILED", says: "is IMPORT_ROLLBACK_FAILED"},
		{status: "UPDATE_ROLLBACK_COMPLETE", mutations: create},
		{status: "IMPORT_COMPLETE", mutations: create},
	}
	for _, c := range cases {
		t.Run(c.status, func(t *testing.T) {
			deploy(t, func() *fake {
				f := newFake().deployed(c.status, "{}")
				f.undo = func() {
					for i, status := range c.becomes {
						f.later(time.Duration(i)*2*time.Second, func() { f.status(status, "") })
					}
				}
				return f
			}, cfn.Options{MayRollBack: c.may}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
				assert.Equal(t, c.mutations, f.mutations())
				if c.says == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, errs.Failed, errs.KindOf(err))
				assert.Contains(t, errs.HintOf(err), c.hint)
			})
		})
	}
}

// TestNoStatusIsUnknown begins at every status that CloudFormation has: a
// deployment follows, or an error that names the status and no other one's.
func TestNoStatusIsUnknown(t *testing.T) {
	said := map[string]types.StackStatus{}
	for _, status := range types.StackStatus("").Values() {
		synctest.Test(t, func(t *testing.T) {
			f := newFake().deployed(string(status), "{}")
			time.Sleep(time.Hour)
			if running, is := strings.CutSuffix(string(status), "_IN_PROGRESS"); is && status != types.StackStatusReviewInProgress {
				f.later(20*time.Minute, func() {
					f.status(strings.TrimSuffix(strings.TrimSuffix(running, "_CLEANUP"), "_COMPLETE")+"_COMPLETE", "")
				})
			}
			if status == types.StackStatusDeleteInProgress {
				f.later(20*time.Minute, func() { f.stack = nil })
			}
			result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{})
			if err == nil {
				assert.Contains(t, []cfn.Action{cfn.Created, cfn.Updated}, result.Action, status)
				assert.Equal(t, strings.HasSuffix(string(status), "_IN_PROGRESS") && status != types.StackStatusReviewInProgress, result.Attached, status)
				return
			}
			assert.ErrorContains(t, err, "is "+string(status))
			assert.NotEmpty(t, errs.HintOf(err), status)
			assert.Empty(t, said[err.Error()], "%s says what another status says", status)
			said[err.Error()] = status
		})
	}
	assert.Len(t, said, 5, "the rest can be deployed to")
}

func TestAProtectedStackIsNotDeletedBehindItsOwnersBack(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("ROLLBACK_COMPLETE", "{}")
		f.stack.EnableTerminationProtection = aws.Bool(true)
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "it is protected from deletion")
		assert.Empty(t, f.mutations())
	})
}

func TestAFailedDeletionReportsItsCause(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("ROLLBACK_COMPLETE", "{}")
		f.event(arn, "Old", "AWS::SQS::Queue", "CREATE_FAILED", "of the operation before")
		f.remove = func() {
			f.status("DELETE_IN_PROGRESS", "")
			f.later(5*time.Second, func() {
				f.event(arn, "Files", "AWS::S3::Bucket", "DELETE_FAILED", "The bucket you tried to delete is not empty")
				f.status("DELETE_FAILED", "The following resource(s) failed to delete: [Files].")
			})
		}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop" failed (DELETE_FAILED): Files (AWS::S3::Bucket): The bucket you tried to delete is not empty`)
		assert.Contains(t, errs.HintOf(err), "empty it")
	})
}

func TestARunningOperationIsWaitedForAndNothingIsDeployedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		time.Sleep(time.Hour)
		f.template = string(goal.Template) // another run has begun the same deployment
		f.operation("UPDATE", 40*time.Minute)
		result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{})
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action)
		assert.True(t, result.Attached)
		assert.Empty(t, f.mutations())
		assert.Equal(t, "https://shop", result.Outputs[0].Value)
		assert.Less(t, time.Since(result.Started), 41*time.Minute)
	})
}

func TestAStackBeingDeletedIsCreatedAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.remove()
		result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{})
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
	})
}

func TestAConcurrentOperationIsWaitedFor(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.fails["CreateChangeSet"] = []error{apiError("ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.")}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, "CreateChangeSet CreateChangeSet ExecuteChangeSet", f.mutations())
	})
}

// killed deploys until the change set is made and then dies.
func killed(t *testing.T, f *fake, g cfn.Goal) {
	result, err := cfn.Deploy(t.Context(), f, g, cfn.Options{PlanOnly: true, Workflow: "run"})
	require.NoError(t, err)
	require.Equal(t, cfn.Planned, result.Action)
	f.calls = nil
}

func TestTheChangeSetOfAKilledRunIsExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		killed(t, f, goal)
		result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "run"})
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, "CreateChangeSet ExecuteChangeSet", f.mutations(), "the same call again")
		assert.Len(t, f.created, 1)
	})
}

// TestAChangeSetThatSomebodyElsePreparedIsNotExecuted is about one of our name for the goal
// of this run: a person, or a run of another name, made it with another template, say.
func TestAChangeSetThatSomebodyElsePreparedIsNotExecuted(t *testing.T) {
	for name, workflow := range map[string]string{"of this run": "run", "of another run": "other"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake().deployed("CREATE_COMPLETE", "{}")
			killed(t, f, goal)
			prepared := *f.sets["aphex-deploy"].ChangeSetId
			_, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: workflow})
			require.NoError(t, err, name)
			require.Len(t, f.executed, 1, name)
			assert.Equal(t, workflow == "run", *f.executed[0].ChangeSetName == prepared, name)
			if workflow != "run" {
				assert.Equal(t, "CreateChangeSet DeleteChangeSet CreateChangeSet ExecuteChangeSet", f.mutations(), name)
			}
		})
	}
}

func TestAnOldChangeSetOfAnotherGoalIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		other := goal
		other.Template = []byte(`{"Resources":{"Other":{}}}`)
		killed(t, f, other)
		_, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "run"})
		require.NoError(t, err)
		assert.Equal(t, "DeleteChangeSet CreateChangeSet ExecuteChangeSet", f.mutations())
		assert.NotEqual(t, *f.created[0].ClientToken, *f.created[1].ClientToken)
	})
}

func TestAChangeSetThatCannotBeExecutedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		killed(t, f, goal)
		f.sets["aphex-deploy"].ExecutionStatus = types.ExecutionStatusObsolete
		_, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "run"})
		require.NoError(t, err)
		assert.Equal(t, "DeleteChangeSet CreateChangeSet ExecuteChangeSet", f.mutations())
		assert.NotEqual(t, *f.created[0].ClientToken, *f.created[1].ClientToken, "the token of a deleted change set is not used again")
	})
}

func TestAChangeSetInCreationIsDeletedOnceItIsCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		killed(t, f, goal)
		f.sets["aphex-deploy"].ExecutionStatus = types.ExecutionStatusObsolete
		busy := &types.InvalidChangeSetStatusException{Message: aws.String("An operation on this ChangeSet is currently in progress.")}
		f.fails["DeleteChangeSet"] = []error{busy, busy}
		_, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Workflow: "run"})
		require.NoError(t, err)
		assert.Contains(t, f.mutations(), "DeleteChangeSet CreateChangeSet ExecuteChangeSet")
	})
}

func TestAnExecutionWithALostResponseIsFollowed(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake()
		f.fails["ExecuteChangeSet"] = []error{&types.InvalidChangeSetStatusException{
			Message: aws.String("ChangeSet [arn] cannot be executed in its current execution status of [EXECUTE_IN_PROGRESS]"),
		}}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, "CREATE_COMPLETE", result.Status)
	})
}

func TestAVanishedChangeSetIsCreatedAgain(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake()
		ready := f.prepare
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			f.prepare = ready
			set.Status = types.ChangeSetStatusDeleteComplete
		}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, "CreateChangeSet CreateChangeSet ExecuteChangeSet", f.mutations())
		assert.NotEqual(t, *f.created[0].ClientToken, *f.created[1].ClientToken)
	})
}
