package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

var (
	one  = strings.Repeat("a", 40)
	two  = strings.Repeat("b", 40)
	noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
)

// source has two runs that ended: the second did not get to prod.
func source(t *testing.T) history.Source {
	t.Helper()
	b := buckettest.New(nil)
	for i, run := range []record.Document{
		{Workflow: "shop-" + one[:32], Status: "Succeeded", Commit: one, Pusher: "octocat", Steps: []stage.Record{{Step: "deploy-dev", Status: stage.Done}, {Step: "deploy-prod", Status: stage.Done}}},
		{Workflow: "shop-" + two[:32], Status: "Failed", Commit: two, Pusher: "hubot", Error: "deploy-prod: stack Api failed", Hint: "look there", Steps: []stage.Record{
			{Step: "deploy-dev", Status: stage.Done}, {Step: "deploy-prod", Status: "failed", Error: "stack Api failed"},
		}},
	} {
		run.Ended = noon.Add(time.Duration(i) * time.Hour)
		for s := range run.Steps {
			run.Steps[s].Started, run.Steps[s].Ended = run.Ended.Add(-90*time.Second), run.Ended
		}
		require.NoError(t, record.Store(t.Context(), b, run))
	}
	return history.Source{Bucket: b, Environments: []string{"dev", "stage", "prod"}}
}

func printed(t *testing.T, width int, print func(history.Printer) error) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, print(history.Printer{To: &out, Width: width, Zone: time.UTC}))
	return out.String()
}

func TestTheStatusHasEachEnvironmentWithItsCommitAndWhatWaits(t *testing.T) {
	s := source(t)
	s.Running = func(context.Context) ([]kube.Progress, error) {
		return []kube.Progress{{Run: "shop-ccc", Created: noon, Parameters: map[string]string{"commit-sha": strings.Repeat("c", 40), "pusher": "octocat"}, Waiting: []string{"approve-prod", "else"}}}, nil
	}
	status, unknown, err := s.Status(t.Context())
	require.NoError(t, err)
	require.NoError(t, unknown)
	assert.Equal(t, `ENVIRONMENT  COMMIT      SINCE             BY       RUN                                    NOW
dev          bbbbbbbbbb  2026-01-01 13:00  hubot    shop-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
stage
prod         aaaaaaaaaa  2026-01-01 12:00  octocat  shop-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  waits for an approval: shop-ccc; failed 2026-01-01 13:00: commit bbbbbbbbbb in run shop-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: stack Api failed

IN PROGRESS  COMMIT      CREATED           BY       WAITS FOR AN APPROVAL OF
shop-ccc     cccccccccc  2026-01-01 12:00  octocat  prod
`, printed(t, 0, func(p history.Printer) error { return p.Status(status) }))

	data, err := json.Marshal(status)
	require.NoError(t, err)
	assert.Contains(t, string(data), `{"environment":"stage"}`)
	assert.Contains(t, string(data), `"waiting":["shop-ccc"]`)
}

func TestAClusterThatDoesNotAnswerLeavesTheRestOfTheStatus(t *testing.T) {
	s := source(t)
	s.Running = func(context.Context) ([]kube.Progress, error) { return nil, errors.New("no route to host") }
	status, unknown, err := s.Status(t.Context())
	require.NoError(t, err)
	require.EqualError(t, unknown, "no route to host")
	assert.Equal(t, two, status.Environments[0].Commit)
	assert.NotNil(t, status.Running, "a list in JSON")
}

func TestTheStatusSaysThatTheRunOfAnEnvironmentLeftOthersOut(t *testing.T) {
	s := source(t)
	run := record.Document{Workflow: "shop-3", Status: "Succeeded", Commit: two, Ended: noon.Add(3 * time.Hour), LeftOut: []string{"dev", "stage"}}
	run.Steps = []stage.Record{{Step: "deploy-prod", Status: stage.Done, Ended: run.Ended}}
	require.NoError(t, record.Store(t.Context(), s.Bucket, run))
	status, _, err := s.Status(t.Context())
	require.NoError(t, err)
	assert.Contains(t, printed(t, 0, func(p history.Printer) error { return p.Status(status) }), "shop-3                                 its run left out dev, stage\n")
}

func TestAnEnvironmentThatTheConfigurationDroppedIsMarked(t *testing.T) {
	s := source(t)
	s.Environments = []string{"dev"}
	status, _, err := s.Status(t.Context())
	require.NoError(t, err)
	assert.False(t, status.Environments[0].Undeclared)
	assert.True(t, status.Environments[1].Undeclared)
	s.Environments = nil // of local runs
	status, _, err = s.Status(t.Context())
	require.NoError(t, err)
	assert.False(t, status.Environments[1].Undeclared)
}

func TestTheHistoryIsOfTheRunsThatAreAskedFor(t *testing.T) {
	s := source(t)
	all, err := s.History(t.Context(), "", 20)
	require.NoError(t, err)
	assert.Equal(t, `RUN                                    STATUS     COMMIT      ENDED             BY       DEPLOYED TO  ERROR
shop-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  Failed     bbbbbbbbbb  2026-01-01 13:00  hubot    dev          deploy-prod: stack Api failed
shop-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  Succeeded  aaaaaaaaaa  2026-01-01 12:00  octocat  dev, prod
`, printed(t, 0, func(p history.Printer) error { return p.History(all) }))
	for environment, want := range map[string]int{"prod": 1, "dev": 2, "none": 0} {
		runs, err := s.History(t.Context(), environment, 20)
		require.NoError(t, err)
		assert.Len(t, runs, want, environment)
		assert.NotNil(t, runs)
	}
	newest, err := s.History(t.Context(), "", 1)
	require.NoError(t, err)
	assert.Equal(t, all[:1], newest)
}

func TestARunIsFoundByItsNameAndByTheBeginningOfItsCommit(t *testing.T) {
	s := source(t)
	for text, want := range map[string]string{
		"shop-" + one[:32]: "shop-" + one[:32], one[:7]: "shop-" + one[:32], two: "shop-" + two[:32], "aaa": "aaa", "shop": "shop-" + two[:32], "other-1": "other-1",
	} {
		run, more, err := s.Find(t.Context(), text)
		require.NoError(t, err)
		assert.Equal(t, want, run, text)
		assert.Equal(t, text == "shop", len(more) == 1, text)
	}
	for _, text := range []string{"../../etc/passwd", "", "A B", "\x1b[2J", "a/b"} {
		_, _, err := s.Find(t.Context(), text)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), text)
	}
}

func TestARunIsShownWithItsStepsAndTheCauseOfItsFailure(t *testing.T) {
	s := source(t)
	d, err := s.Show(t.Context(), "shop-"+two[:32])
	require.NoError(t, err)
	d.LeftOut = []string{"stage"}
	d.Former = []record.Attempt{{Created: noon.Format(time.RFC3339), Ended: noon, Status: "Failed", Error: "no space left"}}
	assert.Equal(t, `Run shop-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  status     Failed
  error      deploy-prod: stack Api failed
  hint       look there
  commit     bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  by         hubot
  ended      2026-01-01 13:00
  left out by choice stage

STEP         STATUS  STARTED           TOOK   ERROR
deploy-dev   done    2026-01-01 12:58  1m30s
deploy-prod  failed  2026-01-01 12:58  1m30s  stack Api failed

ATTEMPT BEFORE    STATUS  ENDED             ERROR
2026-01-01 12:00  Failed  2026-01-01 12:00  no space left
`, printed(t, 0, func(p history.Printer) error { return p.Run(d) }))
}

func TestARunWithoutARecordHasTheStepsThatEnded(t *testing.T) {
	b := buckettest.New(map[string]string{bucket.StepRecordKey("shop-1", "build", 1): `{"workflow":"shop-1","step":"build","status":"done"}`})
	s := history.Source{Bucket: b}
	d, err := s.Show(t.Context(), "shop-1")
	require.NoError(t, err)
	assert.Equal(t, history.Unended, d.Status)
	assert.Equal(t, "build", d.Steps[0].Step)
	_, err = s.Show(t.Context(), "shop-2")
	assert.ErrorContains(t, err, `there is no record of run "shop-2"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

// TestWhatOthersWroteIsInertAndFitsTheTerminal holds for all that is printed.
func TestWhatOthersWroteIsInertAndFitsTheTerminal(t *testing.T) {
	const hostile = "dev\x1b]0;owned\x07\u202e\nROOT  done\r\t" + "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"
	d := record.Document{
		Workflow: hostile, Status: hostile, Commit: hostile, Pusher: hostile, Branch: hostile, Error: hostile, Hint: hostile, Created: hostile, Origin: hostile,
		Steps: []stage.Record{{Step: "deploy-" + hostile, Status: hostile, Error: hostile}}, Former: []record.Attempt{{Created: hostile, Status: hostile, Error: hostile}},
	}
	s := history.Status{
		Environments: []history.EnvironmentStatus{{Environment: record.Environment{Environment: hostile, Commit: hostile, By: hostile, Run: hostile, Failed: &record.Failed{Commit: hostile, Run: hostile, Error: hostile}}, Waiting: []string{hostile}}},
		Running:      []history.Running{{Run: hostile, Commit: hostile, By: hostile, Waiting: []string{hostile}}},
	}
	runs := []record.Summary{{Run: hostile, Status: hostile, Commit: hostile, By: hostile, Environments: []string{hostile}, Error: hostile}}
	for name, c := range map[string]struct {
		print func(history.Printer) error
		lines int
	}{
		"status":  {func(p history.Printer) error { return p.Status(s) }, 5},
		"history": {func(p history.Printer) error { return p.History(runs) }, 2},
		"show":    {func(p history.Printer) error { return p.Run(d) }, 15},
	} {
		text := printed(t, 100, c.print)
		assert.Equal(t, screen.Inert(text), text, name)
		assert.Equal(t, c.lines, strings.Count(text, "\n"), "%s: %s", name, text)
		if name == "show" {
			continue // its head is whole, however long
		}
		for line := range strings.SplitSeq(text, "\n") {
			assert.LessOrEqual(t, screen.Width(line), 100, name)
		}
	}
}

func TestARunThatAPersonAskedForSaysWhoAndWhy(t *testing.T) {
	d := record.Document{Workflow: "shop-1-b1", Status: "Succeeded", Pusher: "jane", Purpose: "rollback", Only: []string{"prod"}, Reason: "checkout fails"}
	show := func(p history.Printer) error { return p.Run(d) }
	assert.Contains(t, printed(t, 0, show), "  by         jane (not attested)\n  purpose    rollback prod\n  reason     checkout fails\n")
	d.Attested = true
	assert.Contains(t, printed(t, 0, show), "  by         jane\n")
}
