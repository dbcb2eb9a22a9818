package deploy

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// listen gives a reporter whose events the test can look at.
func listen() (*reporter, *[]progress.Event) {
	var events []progress.Event
	return &reporter{progress.New(progress.Options{Report: func(e progress.Event) { events = append(events, e) }}), "dev"}, &events
}

func TestTheActivityOfAStackIsReportedWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell, events := listen()
		stop := tell.Watch()
		api := target{name: "Api", stack: assembly.Stack{Path: "Api"}}
		tell.stack(api, cfn.Event{Phase: cfn.Executing, Time: time.Now(), Total: 3})
		tell.stack(api, cfn.Event{Phase: cfn.Resource, Time: time.Now(), Resource: &cfn.ResourceEvent{
			LogicalID: "Orders", StackID: "arn", Nested: []string{"Jobs"}, Type: "AWS::SQS::Queue", Status: "CREATE_IN_PROGRESS",
		}})
		time.Sleep(95 * time.Second)
		tell.stack(api, cfn.Event{Phase: cfn.Finished, Text: "created"})
		synctest.Wait()
		for i := 1; i < len(*events); i++ {
			assert.LessOrEqual(t, (*events)[i].Time.Sub((*events)[i-1].Time), 10*time.Second)
		}
		last := (*events)[len(*events)-2]
		assert.Equal(t, "creating AWS::SQS::Queue Jobs/Orders (1m30s)", last.Text)
		assert.Equal(t, 3, last.Total)
		reported := len(*events)
		time.Sleep(time.Minute)
		assert.Len(t, *events, reported, "nobody is busy any more")
		stop()
	})
}

func TestStepsOfAssetsAndStacksAreReported(t *testing.T) {
	tell, events := listen()
	api := target{name: "Api", stack: assembly.Stack{Path: "Prod/Api"}}
	tell.asset(assets.Event{Asset: "Code", To: "s3://b/k", Step: assets.Published, Bytes: 2049})
	tell.stack(api, cfn.Event{Phase: cfn.Preparing, Text: "its tags changed"})
	tell.stack(api, cfn.Event{Phase: cfn.Resource, Resource: &cfn.ResourceEvent{LogicalID: "X", Status: "UPDATE_FAILED", Reason: "r", Hook: "H", HookReason: "no"}})
	tell.ended("Api", errors.New("Api failed: no\n  the events around it"))
	tell.ended("Data", nil)
	tell.skipped([]schedule.Result[cfn.Result]{{Name: "Api", State: schedule.Failed}, {Name: "Edge", State: schedule.Skipped, Because: "Api"}})
	require.Len(t, *events, 5)
	assert.Equal(t, "s3://b/k (3 KiB)", (*events)[0].Text)
	assert.Equal(t, "preparing", (*events)[1].Step)
	assert.Equal(t, "r hook H: no", (*events)[2].Text)
	assert.Equal(t, "Api failed: no", (*events)[3].Text)
	assert.Equal(t, "not deployed because of Api", (*events)[4].Text)
}

func TestTheActivityOfAResourceIsDescribed(t *testing.T) {
	of := target{name: "Api", stack: assembly.Stack{Path: "Prod/Api"}}
	for status, want := range map[string]string{
		"CREATE_IN_PROGRESS":                           "creating AWS::SQS::Queue Orders",
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":          "updating AWS::SQS::Queue Orders",
		"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "rolling back AWS::SQS::Queue Orders",
		"REVIEW_IN_PROGRESS":                           "review of AWS::SQS::Queue Orders",
		"CREATE_COMPLETE":                              "",
	} {
		assert.Equal(t, want, resourceActivity(of, cfn.ResourceEvent{Status: status, Type: "AWS::SQS::Queue"}, "Prod/Api/Orders/Resource", false), status)
	}
	assert.Equal(t, "rolling back the stack", resourceActivity(of, cfn.ResourceEvent{Status: "ROLLBACK_IN_PROGRESS"}, "Api", true))
}
