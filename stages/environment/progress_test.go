package environment

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/assets"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

func TestNothingIsSilentForMoreThanTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		p := newProgress(func(e Event) { events = append(events, e) }, stage.Frame{})
		stop := p.watch()
		end := p.begin("Api", "deploying")
		p.stack(target{name: "Api", stack: assembly.Stack{}}, cfn.Event{Phase: cfn.Resource, Time: time.Now(), Resource: &cfn.ResourceEvent{
			LogicalID: "Orders", StackID: "arn", Nested: []string{"Jobs"}, Type: "AWS::SQS::Queue", Status: "CREATE_IN_PROGRESS",
		}})
		time.Sleep(95 * time.Second)
		end()
		synctest.Wait()
		require.NotEmpty(t, events)
		for i := 1; i < len(events); i++ {
			assert.LessOrEqual(t, events[i].Time.Sub(events[i-1].Time), silence)
		}
		assert.Equal(t, "create in progress: Jobs/Orders (1m30s)", events[len(events)-1].Text)
		told := len(events)
		time.Sleep(time.Minute)
		assert.Len(t, events, told, "nobody is busy any more")
		stop()
	})
}

func TestALineIsReadableAndARecordIsStructured(t *testing.T) {
	e := Event{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Subject: "ApiStack", Step: "CREATE_FAILED",
		Resource: "ApiStack/Orders/Resource", Type: "AWS::SQS::Queue", Text: "already\n exists",
	}
	assert.Equal(t, "03:04:05  ApiStack         CREATE_FAILED        ApiStack/Orders/Resource (AWS::SQS::Queue)  already exists", Line(e))
	assert.Equal(t, "03:04:05  Code             found", Line(Event{Time: e.Time, Subject: "Code", Step: "found"}))

	var log, out bytes.Buffer
	renderer(stage.Frame{Log: slog.New(slog.NewJSONHandler(&log, nil)), Out: &out})(e)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &fields))
	assert.Equal(t, "ApiStack/Orders/Resource", fields["resource"])
	assert.Equal(t, "CREATE_FAILED", fields["step"])
	assert.Empty(t, out.String())
	renderer(stage.Frame{Log: slog.New(slog.NewTextHandler(&log, nil)), Out: &out})(e)
	assert.Equal(t, Line(e)+"\n", out.String())
}

func TestStepsOfAssetsAndStacksAreTold(t *testing.T) {
	var events []Event
	p := newProgress(func(e Event) { events = append(events, e) }, stage.Frame{})
	p.asset(assets.Event{Asset: "Code", To: "s3://b/k", Step: assets.Published, Bytes: 2049})
	p.stack(target{name: "Api"}, cfn.Event{Phase: cfn.Preparing, Text: "its tags changed"})
	p.stack(target{name: "Api"}, cfn.Event{Phase: cfn.Resource, Resource: &cfn.ResourceEvent{LogicalID: "X", Status: "UPDATE_FAILED", Reason: "r", Hook: "H", HookReason: "no"}})
	assert.Equal(t, "s3://b/k (3 KiB)", events[0].Text)
	assert.Equal(t, "preparing", events[1].Step)
	assert.Equal(t, "r hook H: no", events[2].Text)
}
