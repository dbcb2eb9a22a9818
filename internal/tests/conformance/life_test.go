package conformance_test

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simcloudformation "github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

// life is the app of two stacks in a cloud of its own.
type life struct {
	*cloud
	app string
}

func newLife(t *testing.T) life {
	t.Helper()
	l := life{newCloud(t), assemblytest.App(t, "apps/changing")}
	configure(t, l.app, dev, ireland, "Base", "User")
	return l
}

// shape says how the app has changed, and forgets the calls so far.
func (l life) shape(shape string) {
	l.environ = []string{"SHAPE=" + shape, "CDK_VALIDATION=false"}
	l.ForgetCalls()
}

// status is the state of a stack, and whether it is protected; empty when there is none.
func (l life) status(name string) (status string, protected bool) {
	l.t.Helper()
	api := cloudformation.NewFromConfig(l.as(dev, ireland))
	found, err := api.DescribeStacks(l.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		require.ErrorContains(l.t, err, "does not exist")
		return "", false
	}
	return string(found.Stacks[0].StackStatus), *found.Stacks[0].EnableTerminationProtection
}

func (l life) assertStatus(name, status string) {
	l.t.Helper()
	found, _ := l.status(name)
	assert.Equal(l.t, status, found)
}

// breaks makes the resource that the app grows fail.
func (l life) breaks() {
	l.Stacks().FailResource(simcloudformation.Rule{Stack: "Base", LogicalID: "Added", Operation: "CREATE", Reason: "the shop is out of queues"})
}

func TestTheCDKCLIDeploysDirectlyShowsDifferencesRollsBackAndDestroys(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("first")
	l.mustCDK(l.app, "deploy", "--all", "--method=direct", "--require-approval", "never")
	l.assertStatus("User", "CREATE_COMPLETE")
	assert.Zero(t, l.Calls()["cloudformation:CreateChangeSet"])

	l.shape("grown")
	assert.Contains(t, l.mustCDK(l.app, "diff", "Base"), "[+] AWS::SQS::Queue")
	l.breaks()
	printed, err := l.cdk(l.app, "deploy", "Base", "--no-rollback", "--require-approval", "never")
	require.Error(t, err, printed)
	assert.Contains(t, printed, "the shop is out of queues")
	l.assertStatus("Base", "UPDATE_FAILED")
	l.mustCDK(l.app, "rollback", "Base")
	l.assertStatus("Base", "UPDATE_ROLLBACK_COMPLETE")

	l.mustCDK(l.app, "destroy", "--all", "--force")
	l.assertStatus("Base", "")
	l.assertStatus("User", "")
	assert.Empty(t, l.Unknown())
}

func TestTheCDKCLIAndTheDeployerAreBothRefusedAnExportInUse(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("first")
	printed, code := l.deployer(l.app)
	require.Zero(t, code, printed)

	l.shape("closed")
	const words = "Cannot delete export base-topic as it is in use by User"
	printed, err := l.cdk(l.app, "deploy", "Base", "--require-approval", "never")
	require.Error(t, err, printed)
	assert.Contains(t, printed, words)
	printed, code = l.deployer(l.app)
	assert.Equal(t, 1, code)
	assert.Contains(t, printed, words)
	assert.Contains(t, printed, "not deployed because of this: User")
}

func TestAFailedUpdateIsRolledBackForTheCDKCLIAndTheDeployer(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("first")
	printed, code := l.deployer(l.app)
	require.Zero(t, code, printed)

	l.shape("grown")
	l.breaks()
	printed, err := l.cdk(l.app, "deploy", "Base", "--require-approval", "never")
	require.Error(t, err, printed)
	assert.Contains(t, printed, "the shop is out of queues")
	l.assertStatus("Base", "UPDATE_ROLLBACK_COMPLETE")
	printed, code = l.deployer(l.app)
	assert.Equal(t, 1, code)
	assert.Contains(t, printed, "the shop is out of queues")
	l.assertStatus("Base", "UPDATE_ROLLBACK_COMPLETE")

	l.Stacks().ClearFaults()
	printed, code = l.deployer(l.app)
	require.Zero(t, code, printed)
	l.assertStatus("Base", "UPDATE_COMPLETE")
}

func TestAFailureInANestedStackIsReportedByItsInnermostCause(t *testing.T) {
	t.Parallel()
	l := life{newCloud(t), assemblytest.App(t, "apps/nested")}
	configure(t, l.app, dev, ireland, "NestedParent")
	l.environ = []string{"CDK_VALIDATION=false"}
	l.Stacks().FailResource(simcloudformation.Rule{Type: "AWS::SSM::Parameter", Operation: "CREATE", Reason: "the innermost is out of parameters"})
	printed, err := l.cdk(l.app, "deploy", "NestedParent", "--require-approval", "never")
	require.Error(t, err, printed)
	assert.Contains(t, printed, "ROLLBACK_COMPLETE", "the CLI names the stack alone")
	printed, code := l.deployer(l.app)
	assert.Equal(t, 1, code, printed)
	assert.Regexp(t, `\(AWS::SSM::Parameter, NestedParent/(Outer/Inner/Where|Importer/Copy)/Resource, app\.js:\d+\): the innermost is out of parameters`, printed)
	assert.Contains(t, printed, "events of NestedParent around the cause:")
	l.assertStatus("NestedParent", "ROLLBACK_COMPLETE")
}

func TestTerminationProtectionHoldsAgainstTheCDKCLIUntilItIsTakenOff(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("protected")
	printed, code := l.deployer(l.app)
	require.Zero(t, code, printed)
	_, protected := l.status("Base")
	assert.True(t, protected)
	printed, err := l.cdk(l.app, "destroy", "Base", "--exclusively", "--force")
	require.Error(t, err, printed)
	assert.Contains(t, printed, "TerminationProtection is enabled")
	l.assertStatus("Base", "CREATE_COMPLETE")

	l.shape("first")
	printed, code = l.deployer(l.app)
	require.Zero(t, code, printed)
	_, protected = l.status("Base")
	assert.False(t, protected)
	assert.Zero(t, l.Calls()["cloudformation:ExecuteChangeSet"], "protection is no change of the stack")
	assert.Contains(t, printed, "updated: termination protection turned off")
}

func TestAStackThatTheCDKCLIDeployedFromAnInlineTemplateIsUnchangedForTheDeployer(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("first")
	l.mustCDK(l.app, "deploy", "--all", "--require-approval", "never")
	l.ForgetCalls()
	printed, code := l.deployer(l.app)
	require.Zero(t, code, printed)
	assert.Zero(t, l.Calls()["cloudformation:CreateChangeSet"], printed)
}

func TestTheOutputsOfEarlierStacksAreKeptWhenALaterOneFails(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.shape("first")
	l.Stacks().FailResource(simcloudformation.Rule{Stack: "User"})
	printed, code := l.deployer(l.app, "--outputs-file", filepath.Join(l.app, "outputs.json"))
	assert.Equal(t, 1, code, printed)
	assert.Equal(t, map[string][]string{"Base": {"TopicArn"}}, outputs(t, l.app))
}
