package progress

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNothingIsSilentForMoreThanTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []Event
		reporter := New(Options{Report: func(e Event) { events = append(events, e) }})
		began := time.Now()
		stop := reporter.Watch()
		end := reporter.Begin(Stage, "dev", "assuming roles in account 111111111111")
		time.Sleep(33 * time.Second)
		end()
		reporter.Assets("Api", []string{"Code", "Image"})
		reporter.Busy(Stack, "Api", Publishing)
		reporter.Report(Event{Scope: Asset, Subject: "Image", Step: "building", Doing: "building Image"})
		time.Sleep(47 * time.Second)
		reporter.Report(Event{Scope: Asset, Subject: "Image", Step: "published"})
		time.Sleep(25 * time.Second)
		reporter.Report(Event{Scope: Stack, Subject: "Api", Step: Finished})
		stop()
		before := began
		var texts []string
		for _, e := range events {
			assert.LessOrEqual(t, e.Time.Sub(before), 10*time.Second, "before %v", e)
			before = e.Time
			texts = append(texts, e.Text)
		}
		assert.Contains(t, texts, "assuming roles in account 111111111111 (9s)")
		assert.Contains(t, texts, "publishing assets 0/2 (45s)")
		assert.Contains(t, texts, "publishing assets 1/2 (1m5s)")
		assert.Contains(t, texts, "building Image (45s)")
		assert.Equal(t, 72.0, events[len(events)-1].Seconds)
	})
}

func TestALineIsReadable(t *testing.T) {
	e := Event{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Subject: "ApiStack", Step: "CREATE_FAILED",
		Resource: "ApiStack/Orders/Resource", Type: "AWS::SQS::Queue", Text: "already\n exists", Last: 60,
	}
	assert.Equal(t, "03:04:05  ApiStack         CREATE_FAILED        ApiStack/Orders/Resource (AWS::SQS::Queue)  already exists", Line(e))
	assert.Equal(t, "03:04:05  Code             found", Line(Event{Time: e.Time, Subject: "Code", Step: "found"}))
	assert.Equal(t, "03:04:05  Api              still                 creating X (20s)  4/14  (last time 1m12s)",
		Line(Event{Time: e.Time, Subject: "Api", Step: Still, Text: "creating X (20s)", Done: 4, Total: 14, Last: 72.3}))
}

// TestARecordHasTheKeysOfAnEvent pins the records of a pod, which other programs
// read, and reads one back.
func TestARecordHasTheKeysOfAnEvent(t *testing.T) {
	var log bytes.Buffer
	reporter := New(Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	reporter.Last(map[string]float64{"Api": 72.3})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	reporter.Report(Event{Time: at, Scope: Stack, Subject: "Api", Step: "executing", Total: 2, Doing: "beginning the change"})
	reporter.Report(Event{
		Time: at, Scope: Stack, Subject: "Api", Step: "CREATE_COMPLETE", Resource: "Api/Orders/Resource", Type: "AWS::SQS::Queue", Text: "why",
		ID: "Orders", Counts: true,
	})
	lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
	require.Len(t, lines, 2)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(lines[1], &fields))
	delete(fields, "time")
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "progress", "at": "2026-01-02T03:04:05Z", "scope": "stack", "subject": "Api", "step": "CREATE_COMPLETE",
		"resource": "Api/Orders/Resource", "type": "AWS::SQS::Queue", "text": "why", "done": 1.0, "total": 2.0, "last": 72.3,
	}, fields)
	var event Event
	require.NoError(t, json.Unmarshal(lines[1], &event))
	assert.Equal(t, Event{
		Time: at, Scope: Stack, Subject: "Api", Step: "CREATE_COMPLETE", Resource: "Api/Orders/Resource", Type: "AWS::SQS::Queue", Text: "why",
		Done: 1, Total: 2, Last: 72.3,
	}, event)
}

func TestTextIsWrittenWhereTheLogIsText(t *testing.T) {
	var log, out bytes.Buffer
	reporter := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Out: &out})
	reporter.Report(Event{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Subject: "Api", Step: Finished})
	assert.Equal(t, "03:04:05  Api              finished\n", out.String())
	assert.Empty(t, log.String())
}
