package cfn_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// replacing makes change sets that replace a resource.
func (f *fake) replacing() *fake {
	f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
		set.Status, set.ExecutionStatus = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
		set.Changes = []types.Change{{ResourceChange: &types.ResourceChange{Action: types.ChangeActionModify, LogicalResourceId: aws.String("Orders"), Replacement: types.ReplacementTrue}}}
	}
	return f
}

func TestWithoutRollbackAFailedStackIsDeployedOntoAndAReplacementIsNot(t *testing.T) {
	cases := map[string]struct {
		status    string
		replaces  bool
		force     bool
		mutations string
		disabled  bool // rollback, in the execution
		says      string
	}{
		"a stack that is well":                    {status: "CREATE_COMPLETE", mutations: "CreateChangeSet ExecuteChangeSet", disabled: true},
		"an update that stopped":                  {status: "UPDATE_FAILED", mutations: "CreateChangeSet ExecuteChangeSet", disabled: true},
		"a creation that stopped":                 {status: "CREATE_FAILED", mutations: "CreateChangeSet ExecuteChangeSet", disabled: true},
		"a replacement":                           {status: "CREATE_COMPLETE", replaces: true, mutations: "CreateChangeSet ExecuteChangeSet"},
		"a replacement on one that stopped":       {status: "UPDATE_FAILED", replaces: true, mutations: "CreateChangeSet", says: "the change replaces Orders"},
		"a forced replacement":                    {status: "UPDATE_FAILED", replaces: true, force: true, mutations: "CreateChangeSet RollbackStack retain=true DeleteChangeSet CreateChangeSet ExecuteChangeSet"},
		"a rollback that failed needs a rollback": {status: "UPDATE_ROLLBACK_FAILED", says: "is UPDATE_ROLLBACK_FAILED"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			deploy(t, func() *fake {
				f := newFake().deployed(c.status, "{}")
				f.undo = func() { f.status("UPDATE_ROLLBACK_IN_PROGRESS", ""); f.status("UPDATE_ROLLBACK_COMPLETE", "") }
				if c.replaces {
					return f.replacing()
				}
				return f
			}, cfn.Options{NoRollback: true, Force: c.force}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
				assert.Equal(t, c.mutations, f.mutations())
				if c.says != "" {
					require.ErrorContains(t, err, c.says)
					assert.Contains(t, errs.HintOf(err), "deployer rollback")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, types.ChangeSetTypeUpdate, f.created[0].ChangeSetType)
				assert.Equal(t, c.disabled, aws.ToBool(f.executed[0].DisableRollback))
			})
		})
	}
}

func TestAPausedStackWithoutAChangeIsNoSuccess(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("UPDATE_FAILED", string(goal.Template))
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status, set.StatusReason = types.ChangeSetStatusFailed, aws.String("The submitted information didn't contain changes.")
		}
		return f
	}, cfn.Options{NoRollback: true}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, `stack "Shop" is UPDATE_FAILED, and the app has no change`)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
	})
}
