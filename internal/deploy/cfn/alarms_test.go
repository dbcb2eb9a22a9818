package cfn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	alarmTemplate = `{"Resources":{"Errors":{"Type":"AWS::CloudWatch::Alarm","Properties":{"AlarmName":"errors","ComparisonOperator":"GreaterThanThreshold","EvaluationPeriods":1}}}}`
	errorsAlarm   = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"
)

func TestAnAlarmInTheTimeAfterADeploymentRollsItBackAndTheErrorNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cfg := simulated(t, time.Second)
		api, metrics := cfn.NewClient(cfg), cloudwatch.NewFromConfig(cfg)
		set := func(state alarmtypes.StateValue) {
			_, err := metrics.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: state, StateReason: aws.String("a test")})
			require.NoError(t, err)
		}
		deploy := func(g cfn.Goal) (cfn.Result, string, error) {
			executing := ""
			result, err := cfn.Deploy(t.Context(), api, g, cfn.Options{Notify: func(e cfn.Event) {
				if e.Phase == cfn.Executing {
					executing = e.Text
				}
			}})
			return result, executing, err
		}
		_, _, err := deploy(cfn.Goal{Name: "Alarms", Template: []byte(alarmTemplate)})
		require.NoError(t, err)
		watched := cfn.Goal{Name: "Shop", Template: []byte(plainTemplate), Alarms: &cfn.Alarms{ARNs: []string{errorsAlarm}, Minutes: 10}}
		began := time.Now()
		result, executing, err := deploy(watched)
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, "1 to add, watched by 1 alarm until 10 minutes afterwards", executing)
		assert.Greater(t, time.Since(began), 10*time.Minute)
		result, _, err = deploy(watched)
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action, "the alarms of the stack are these")

		time.AfterFunc(5*time.Minute, func() { set(alarmtypes.StateValueAlarm) })
		changed := watched
		changed.Template, changed.Parameters = []byte(templateWithParameter), map[string]string{"P": "7"}
		_, _, err = deploy(changed)
		require.ErrorContains(t, err, `stack "Shop" failed (UPDATE_ROLLBACK_COMPLETE): alarm errors went off: The following CloudWatch Alarms are in ALARM state`)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), "find out why")

		kept := cfn.Goal{Name: "Shop", Template: changed.Template, Parameters: changed.Parameters}
		_, _, err = deploy(kept)
		require.ErrorContains(t, err, "alarm errors went off", "alarms that nobody names are kept")
		kept.Alarms = &cfn.Alarms{}
		result, executing, err = deploy(kept)
		require.NoError(t, err, "an empty list removes them")
		assert.Equal(t, cfn.Updated, result.Action)
		assert.NotContains(t, executing, "watched")

		kept.Alarms = &cfn.Alarms{ARNs: []string{errorsAlarm + "-absent"}}
		kept.Parameters = map[string]string{"P": "8"}
		_, _, err = deploy(kept)
		require.ErrorContains(t, err, errorsAlarm+"-absent does not exist")
		assert.NotContains(t, err.Error(), "went off")
		assert.Contains(t, errs.HintOf(err), "must exist before the stack")
	})
}
