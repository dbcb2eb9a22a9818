package awssim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheCDKDeploysUnderAlarms(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	stacks := cfn.NewFromConfig(c.as(devAccount, ireland))
	_, err := stacks.CreateStack(ctx, &cfn.CreateStackInput{StackName: aws.String("Alarms"), TemplateBody: aws.String(
		"Resources:\n  Errors: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: errors, ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1}}\n",
	)})
	require.NoError(t, err)
	c.reaches("Alarms", "CREATE_COMPLETE")
	alarm, metrics := "arn:aws:cloudwatch:"+ireland+":"+devAccount+":alarm:errors", cloudwatch.NewFromConfig(c.as(devAccount, ireland))
	state := func(value types.StateValue) {
		_, err := metrics.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: value, StateReason: aws.String("a test")})
		require.NoError(t, err)
	}
	dir := assembly(t, "watched", "Retain")
	deploy := func() (string, error) {
		return c.cdk(dir, devAccount, ireland, "deploy", "--require-approval", "never", "--app", dir, "--rollback-trigger-alarm-arns", alarm)
	}

	state(types.StateValueAlarm)
	printed, err := deploy()
	require.Error(t, err, printed)
	assert.Contains(t, printed, "ROLLBACK_COMPLETE")

	state(types.StateValueOk)
	printed, err = deploy()
	require.NoError(t, err, printed)
	described, err := stacks.DescribeStacks(ctx, &cfn.DescribeStacksInput{StackName: aws.String("App")})
	require.NoError(t, err)
	require.Len(t, described.Stacks[0].RollbackConfiguration.RollbackTriggers, 1)
	printed, err = deploy()
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "no changes")
	assert.Empty(t, c.Unknown())
}
