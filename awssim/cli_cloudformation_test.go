package awssim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

const (
	sharing = `
Parameters:
  Size: {Type: String, Default: small}
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Setting:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Size}
Outputs:
  TopicArn:
    Value: !Ref Topic
    Export: {Name: shared-topic}
`
	importing = `
Resources:
  Copy:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !ImportValue shared-topic}
`
)

// TestTheAWSCLIDeploysStacks deploys with the AWS CLI, which uses the SDK for Python, as the
// CDK CLI does.
func TestTheAWSCLIDeploysStacks(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	deploy := func(stack, template string, more ...string) (string, error) {
		return c.aws(devAccount, ireland, append([]string{"cloudformation", "deploy", "--stack-name", stack, "--template-file", file(stack, template)}, more...)...)
	}
	reaches := c.reaches

	printed, err := deploy("Base", sharing, "--parameter-overrides", "Size=large", "--tags", "team=shop")
	require.NoError(t, err, printed)
	assert.Equal(t, "large\tshop", c.awsOK("cloudformation", "describe-stacks", "--stack-name", "Base", "--query", "[Stacks[0].Parameters[0].ParameterValue, Stacks[0].Tags[0].Value]", "--output", "text"))
	printed, err = deploy("Base", sharing, "--tags", "team=shop", "--no-fail-on-empty-changeset")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "No changes to deploy")
	c.awsOK("cloudformation", "create-stack", "--stack-name", "User", "--template-body", importing)
	reaches("User", "CREATE_COMPLETE")
	assert.Equal(t, "shared-topic", c.awsOK("cloudformation", "list-exports", "--query", "Exports[].Name", "--output", "text"))
	assert.Equal(t, "User", c.awsOK("cloudformation", "list-imports", "--export-name", "shared-topic", "--query", "Imports", "--output", "text"))

	t.Run("an export in use stays", func(t *testing.T) {
		printed, err := deploy("Base", "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
		require.Error(t, err, printed)
		reasons := c.awsOK("cloudformation", "describe-stack-events", "--stack-name", "Base", "--query", "StackEvents[].ResourceStatusReason", "--output", "text")
		assert.Contains(t, reasons, "in use by User")
	})
	t.Run("termination protection holds", func(t *testing.T) {
		c.awsOK("cloudformation", "update-termination-protection", "--stack-name", "User", "--enable-termination-protection")
		printed, err := c.aws(devAccount, ireland, "cloudformation", "delete-stack", "--stack-name", "User")
		require.Error(t, err)
		assert.Contains(t, printed, "TerminationProtection is enabled")
		c.awsOK("cloudformation", "update-termination-protection", "--stack-name", "User", "--no-enable-termination-protection")
	})
	t.Run("a failure is rolled back", func(t *testing.T) {
		c.Stacks().FailResource(cloudformation.Rule{Stack: "Grown", LogicalID: "Topic", Operation: "CREATE", Reason: "no more topics"})
		c.awsOK("cloudformation", "create-stack", "--stack-name", "Grown", "--template-body", importing+"  Topic: {Type: AWS::SNS::Topic}\n")
		reaches("Grown", "ROLLBACK_COMPLETE")
	})
	t.Run("what exists is imported by a change set that may", func(t *testing.T) {
		body := "Resources:\n  Size: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /size, Type: String, Value: large}}\n"
		c.awsOK("ssm", "put-parameter", "--name", "/size", "--value", "small", "--type", "String")
		c.awsOK("cloudformation", "create-change-set", "--stack-name", "Taken", "--change-set-name", "take", "--change-set-type", "CREATE",
			"--import-existing-resources", "--template-body", body)
		require.Eventually(t, func() bool {
			return c.awsOK("cloudformation", "describe-change-set", "--stack-name", "Taken", "--change-set-name", "take",
				"--query", "Changes[].ResourceChange.[Action, PhysicalResourceId]", "--output", "text") == "Import\t/size"
		}, time.Minute, 100*time.Millisecond)
		c.awsOK("cloudformation", "execute-change-set", "--stack-name", "Taken", "--change-set-name", "take")
		reaches("Taken", "CREATE_COMPLETE")
		assert.Equal(t, "large", c.awsOK("ssm", "get-parameter", "--name", "/size", "--query", "Parameter.Value", "--output", "text"))
	})
	t.Run("another account and region are a world of their own", func(t *testing.T) {
		printed, err := c.aws(prodAccount, frankfurt, "cloudformation", "describe-stacks", "--query", "length(Stacks)", "--output", "text")
		require.NoError(t, err, printed)
		assert.Equal(t, "0", printed)
	})
	for _, stack := range []string{"Grown", "Taken", "User", "Base"} {
		c.awsOK("cloudformation", "delete-stack", "--stack-name", stack)
		reaches(stack, "DELETE_COMPLETE")
	}
	assert.Empty(t, c.awsOK("cloudformation", "list-exports", "--query", "Exports[].Name", "--output", "text"))
	assert.Empty(t, c.Unknown())
}

// reaches waits for the status of a stack: the CLI's waiters poll every 30 seconds.
func (c cloud) reaches(stack, status string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		return c.awsOK("cloudformation", "list-stacks", "--query", "StackSummaries[?StackName=='"+stack+"'].StackStatus", "--output", "text") == status
	}, time.Minute, 100*time.Millisecond, "%s becomes %s", stack, status)
}

func TestTheAWSCLISeesAnAlarmRollAStackBack(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	alarms := "Resources:\n  Errors:\n    Type: AWS::CloudWatch::Alarm\n    Properties: {AlarmName: errors, ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1}\n"
	c.awsOK("cloudformation", "create-stack", "--stack-name", "Alarms", "--template-body", alarms)
	c.reaches("Alarms", "CREATE_COMPLETE")
	printed := c.awsOK("cloudwatch", "describe-alarms", "--query", "MetricAlarms[].[StateValue, AlarmArn]", "--output", "text")
	state, arn, _ := strings.Cut(printed, "\t")
	assert.Equal(t, "INSUFFICIENT_DATA", state)
	c.awsOK("cloudformation", "create-stack", "--stack-name", "Watched", "--template-body", "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n",
		"--rollback-configuration", "MonitoringTimeInMinutes=30,RollbackTriggers=[{Arn="+arn+",Type=AWS::CloudWatch::Alarm}]")
	require.Eventually(t, func() bool {
		return c.awsOK("cloudformation", "describe-stack-resources", "--stack-name", "Watched", "--query", "StackResources[].ResourceStatus", "--output", "text") == "CREATE_COMPLETE"
	}, time.Minute, 100*time.Millisecond)
	c.reaches("Watched", "CREATE_IN_PROGRESS")
	_, err := c.aws(devAccount, ireland, "cloudwatch", "set-alarm-state", "--alarm-name", "absent", "--state-value", "ALARM", "--state-reason", "a test")
	require.Error(t, err)
	c.awsOK("cloudwatch", "set-alarm-state", "--alarm-name", "errors", "--state-value", "ALARM", "--state-reason", "a test")
	assert.Equal(t, "ALARM", c.awsOK("cloudwatch", "describe-alarms", "--alarm-names", "errors", "--query", "MetricAlarms[].StateValue", "--output", "text"))
	c.reaches("Watched", "ROLLBACK_COMPLETE")
	reasons := c.awsOK("cloudformation", "describe-stack-events", "--stack-name", "Watched", "--query", "StackEvents[].ResourceStatusReason", "--output", "text")
	assert.Contains(t, reasons, "["+arn+"]")
	assert.Empty(t, c.Unknown())
}
