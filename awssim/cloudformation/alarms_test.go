package cloudformation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

const errorsAlarm = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"

func watchedBy(minutes int32, arns ...string) *types.RollbackConfiguration {
	configuration := &types.RollbackConfiguration{MonitoringTimeInMinutes: &minutes, RollbackTriggers: []types.RollbackTrigger{}}
	for _, arn := range arns {
		configuration.RollbackTriggers = append(configuration.RollbackTriggers, types.RollbackTrigger{Arn: &arn, Type: aws.String("AWS::CloudWatch::Alarm")})
	}
	return configuration
}

func TestAnAlarmRollsBackWhileItIsMonitored(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration // from the beginning of the update
		ends  types.StackStatus
	}{
		"during the update":           {time.Second, types.StackStatusUpdateRollbackComplete},
		"in the time afterwards":      {5 * time.Minute, types.StackStatusUpdateRollbackComplete},
		"after that time, it is late": {11 * time.Minute, types.StackStatusUpdateComplete},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, cloudformation.Options{ResourceTime: func(string, string) time.Duration { return time.Minute }})
				defer c.engine.Close()
				c.alarm(errorsAlarm, false)
				c.create("app", pair)
				before := time.Now()
				_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{
					StackName: aws.String("app"), TemplateBody: aws.String(pair), Parameters: parameters("V", "2"), RollbackConfiguration: watchedBy(8, errorsAlarm),
				})
				require.NoError(t, err)
				time.Sleep(tc.after)
				c.alarm(errorsAlarm, true)
				s := c.wait("app")
				assert.Equal(t, tc.ends, s.StackStatus)
				text := strings.Join(c.events("app"), "\n")
				if tc.ends == types.StackStatusUpdateComplete {
					assert.Equal(t, watchedBy(8, errorsAlarm), s.RollbackConfiguration)
					assert.Greater(t, time.Since(before), 10*time.Minute, "two steps of resources and the time afterwards")
					return
				}
				assert.Equal(t, "1", *s.Parameters[0].ParameterValue)
				assert.Empty(t, s.RollbackConfiguration.RollbackTriggers, "the stable version had none")
				assert.Contains(t, text, "app UPDATE_ROLLBACK_IN_PROGRESS: The following CloudWatch Alarms are in ALARM state: ["+errorsAlarm+"]. ")
			})
		})
	}
}

func TestAlarmsOfAStackStayUntilOthersAreGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.alarm(errorsAlarm, false)
		s := c.create("app", pair, func(in *cfn.CreateStackInput) { in.RollbackConfiguration = watchedBy(0, errorsAlarm) })
		require.Equal(t, types.StackStatusCreateComplete, s.StackStatus)
		c.alarm(errorsAlarm, true)
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.update("app", pair, versioned("2")).StackStatus, "they are kept")
		s = c.update("app", pair, versioned("2"), func(in *cfn.UpdateStackInput) { in.RollbackConfiguration = watchedBy(0) })
		assert.Equal(t, types.StackStatusUpdateComplete, s.StackStatus, "an empty list removes them")
		assert.Empty(t, s.RollbackConfiguration.RollbackTriggers)
	})
}

func TestAMissingAlarmFailsTheOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		s := c.create("app", pair, func(in *cfn.CreateStackInput) { in.RollbackConfiguration = watchedBy(0, errorsAlarm) })
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
		assert.Contains(t, strings.Join(c.events("app"), "\n"), "Rollback trigger "+errorsAlarm+" does not exist")
	})
}

func TestRollbackConfigurationsThatCloudFormationLacksAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		six := make([]string, 6)
		for i := range six {
			six[i] = errorsAlarm
		}
		for message, configuration := range map[string]*types.RollbackConfiguration{
			"less than or equal to 5":      watchedBy(0, six...),
			"Invalid rollback trigger":     watchedBy(0, "arn:aws:sns:eu-west-1:111111111111:errors"),
			"between 0 and 180":            watchedBy(181, errorsAlarm),
			"rollbackConfiguration.monito": watchedBy(-1, errorsAlarm),
		} {
			_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("app"), TemplateBody: aws.String(pair), RollbackConfiguration: configuration})
			refused(t, err, "ValidationError", message)
		}
	})
}
