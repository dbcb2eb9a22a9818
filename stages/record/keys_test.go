package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// randomRun is a run that began some hours after New Year: it reaches none, one or both of
// dev and prod, and fails, is stopped or rolls back.
func randomRun(random *rand.Rand, pipeline, n int) record.Document {
	began := newYear.Add(time.Duration(n*40)*time.Hour + time.Duration(random.IntN(36*60))*time.Minute)
	d := record.Document{
		Workflow: fmt.Sprintf("p%d-%d", pipeline, n), Commit: fmt.Sprintf("%040d", random.IntN(12)), Status: "Succeeded", Pipeline: fmt.Sprintf("p%d", pipeline),
		Created: began.Format(time.RFC3339), Check: random.IntN(10) == 0,
	}
	if random.IntN(6) == 0 {
		d.Purpose = "rollback"
	}
	at := began
	for _, env := range []string{"dev", "prod"} {
		if d.Check || d.Status != "Succeeded" || random.IntN(8) == 0 {
			break
		}
		for _, step := range []string{"deploy-", "test-"} {
			s := stage.Record{Workflow: d.Workflow, Step: step + env, Status: stage.Done, Started: at, Ended: at.Add(time.Duration(1+random.IntN(90)) * time.Minute)}
			at = s.Ended
			switch random.IntN(9) {
			case 0:
				s.Status, s.Error, d.Status = "failed", "no", "Failed"
			case 1:
				s.Status, d.Status = "cancelled", "Failed"
			}
			d.Steps = append(d.Steps, s)
			if d.Status != "Succeeded" {
				break
			}
		}
	}
	d.Ended = at
	return d
}

// outcome is what came of an environment in a run, as a person would read it off its steps.
type outcome struct {
	at                time.Time
	ok, no, backwards bool
	commit            string
}

// asAPersonCounts counts the keys of an environment from the records, one question after another.
func asAPersonCounts(runs []record.Document, env string, now time.Time) (k record.Keys) {
	var list []outcome
	firstRun := func(commit string) (at time.Time) {
		for _, d := range runs {
			if created, _ := time.Parse(time.RFC3339, d.Created); d.Commit == commit && !d.Check && (at.IsZero() || created.Before(at)) {
				at = created
			}
		}
		return at
	}
	for _, d := range runs {
		o := outcome{commit: d.Commit, backwards: d.Purpose == "rollback"}
		stopped := false
		for _, s := range d.Steps {
			if s.Step == "deploy-"+env || s.Step == "test-"+env {
				o.at, o.ok = s.Ended, true
				o.no, stopped = o.no || s.Status == "failed", stopped || s.Status == "cancelled"
			}
		}
		if o.ok = o.ok && !o.no && !stopped; o.ok || o.no {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b outcome) int { return a.at.Compare(b.at) })
	k.Environment = env
	since := now.AddDate(0, 0, -30)
	var leads, restores []time.Duration
	for i, o := range list {
		if i == 0 && o.at.After(since) {
			since = o.at
		}
		bad := func(j int) bool { return list[j].no || j+1 < len(list) && list[j+1].ok && list[j+1].backwards }
		if o.at.Before(since) {
			continue
		}
		k.Deployments++
		if bad(i) {
			k.Failed++
		}
		if !o.ok {
			continue
		}
		k.Succeeded++
		if !slices.ContainsFunc(list[:i], func(other outcome) bool { return other.ok && other.commit == o.commit }) {
			leads = append(leads, o.at.Sub(firstRun(o.commit)))
		}
		j := i - 1 // back to the successful deployment before, which may have been bad
		for j >= 0 && !list[j].ok {
			j--
		}
		for j = max(j, 0); j < i; j++ {
			if bad(j) {
				restores = append(restores, o.at.Sub(list[j].at))
				break
			}
		}
	}
	middle := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		if len(all) == 0 {
			return 0
		}
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	k.Since, k.Lead, k.Leads, k.Restore, k.Restores = since, middle(leads), len(leads), middle(restores), len(restores)
	if k.Deployments > 0 {
		k.FailureRate = float64(k.Failed) / float64(k.Deployments)
		k.PerWeek = float64(k.Succeeded) / max(now.Sub(since).Hours()/24, 1) * 7
	}
	return k
}

func TestTheFourKeysAreThoseThatAPersonCountsFromTheRecords(t *testing.T) {
	counted := 0
	for pipeline := range 50 {
		random := rand.New(rand.NewPCG(7, uint64(pipeline)))
		b := holding(nil)
		var runs []record.Document
		for n := range 20 {
			runs = append(runs, randomRun(random, pipeline, n))
		}
		mixed := slices.Clone(runs)
		random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		x := indexed(t, b, mixed...)
		now := newYear.Add(20 * 40 * time.Hour)
		for _, k := range x.Keys(now) {
			want := asAPersonCounts(runs, k.Environment, now)
			assert.InDelta(t, want.PerWeek, k.PerWeek, 1e-9)
			want.PerWeek, k.Since, want.Since = k.PerWeek, k.Since.UTC(), want.Since.UTC()
			assert.Equal(t, want, k, "pipeline %d, %s", pipeline, k.Environment)
			counted += k.Restores
		}
	}
	assert.Greater(t, counted, 100)
}

func TestADeploymentThatFailedStaysInTheIndexWhenItsRunIsRetried(t *testing.T) {
	b := holding(nil)
	run := ended("shop-1", "aaa", 1, map[string]string{"dev": "failed"})
	indexed(t, b, run)
	run.Status, run.Steps[0].Status, run.Steps[0].Error = "Succeeded", stage.Done, ""
	run.Steps[0].Ended, run.Ended = run.Ended.Add(time.Hour), run.Ended.Add(time.Hour)
	x := indexed(t, b, run, run)
	require.Len(t, x.Runs, 1)
	require.Len(t, x.Runs[0].Deployments, 2)
	k := x.Keys(run.Ended.Add(time.Hour))[0]
	assert.Equal(t, []any{2, 1, time.Hour}, []any{k.Deployments, k.Failed, k.Restore})
}

func TestTheSlowestStepsAreThoseOfTheLastTenRuns(t *testing.T) {
	var x record.Index
	for i := range 40 { // newest first
		took := 20.0
		if i < 10 {
			took = 30
		}
		x.Runs = append(x.Runs, record.Summary{Took: map[string]float64{"build": took, "validate": 1}})
	}
	paces := x.Slowest()
	require.Len(t, paces, 2)
	assert.Equal(t, []any{"build", 30 * time.Second, 20 * time.Second, 30}, []any{paces[0].Step, paces[0].Now, paces[0].Before, len(paces[0].Runs)})
	assert.Equal(t, 20*time.Second, paces[0].Runs[0], "oldest first")
}

func TestRunsThatEndTogetherAreAllOnThePageOfThePipeline(t *testing.T) {
	b := bucket.OpenDirectory(t.TempDir())
	failed := make(chan error)
	for i := range 20 {
		go func() {
			failed <- record.Store(t.Context(), b, ended(fmt.Sprintf("shop-%d", i), "aaa", i, map[string]string{"dev": stage.Done}))
		}()
	}
	for range 20 {
		require.NoError(t, <-failed)
	}
	page, err := b.Get(t.Context(), bucket.IndexPageKey())
	require.NoError(t, err)
	for i := range 20 {
		assert.Contains(t, string(page), fmt.Sprintf(`<a href="shop-%d.html">`, i))
		_, err := b.Get(t.Context(), bucket.RunPageKey(fmt.Sprintf("shop-%d", i)))
		require.NoError(t, err)
	}
}

func TestThePageOfARunHasWhatOnlyTheRecordsOfItsStepsHave(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	step := stage.Record{
		Workflow: "shop-1", Step: "deploy-dev", Status: stage.Done, Started: at, Ended: at.Add(time.Minute),
		Outputs: map[string]string{"summary": `{"stacks":[{"stack":"Api","name":"dev-Api","action":"updated","changes":"1 to modify","seconds":20}],"gates":[{"gate":"freezes","state":"overridden","reason":"quarter end","override":{"by":"hubot","why":"a fix"}}]}`},
		Details: &stage.Details{
			Stacks:  []stage.StackDetails{{Stack: "Api", Started: at, Resources: []stage.ResourceDetails{{Name: "Api/Handler/Resource", Type: "AWS::Lambda::Function", Change: "update", Started: at, Seconds: 7}}, Rights: []stage.WiderRight{{Resource: "Role", Text: "Role may s3:GetObject"}}}},
			Outputs: []stage.StackOutput{{Stack: "Api", Key: "Url", Value: "https://shop.example"}},
		},
	}
	tests := stage.Record{Workflow: "shop-1", Step: "test-dev", Status: "failed", Error: "1 of 3 tests failed", Started: at, Ended: at, Details: &stage.Details{Tests: &stage.TestDetails{Tests: 3, Broken: 1, Failed: []string{"orders are stored"}}}}
	b := holding(nil)
	for _, s := range []stage.Record{step, tests} {
		data, err := json.Marshal(s)
		require.NoError(t, err)
		b.Set(bucket.StepRecordKey("shop-1", s.Step, 1), string(data))
	}
	run(t, b, record.Input{Status: "Failed"})
	page := b.Document(bucket.RunPageKey("shop-1"))
	for _, text := range []string{"First cause", "1 of 3 tests failed", "Api (dev-Api)", "updated, 1 to modify", "Handler/Resource", "AWS::Lambda::Function", "Role may s3:GetObject", "overridden by hubot (not attested): a fix", "https://shop.example", "orders are stored"} {
		assert.Contains(t, page, text)
	}
}

func TestARunWhosePagesCannotBeStoredIsRecordedAndHasNoLink(t *testing.T) {
	b := holding(nil)
	d := record.Deps{Bucket: withoutPages{b}}
	_, err := record.Run(t.Context(), d, frameOf("shop-1"), record.Input{Status: "Succeeded", Commit: "0123", Bucket: "artifacts", Silent: true})
	require.NoError(t, err)
	x, err := record.ReadIndex(t.Context(), b)
	require.NoError(t, err)
	require.Len(t, x.Runs, 1)
	assert.False(t, x.Runs[0].Page)
}

// withoutPages is a bucket that takes no pages, as with the permissions of an earlier version.
type withoutPages struct{ objects }

func (w withoutPages) Update(ctx context.Context, key string, change bucket.Change) error {
	if strings.HasSuffix(key, ".html") {
		return errors.New("access denied")
	}
	return w.objects.Update(ctx, key, change)
}

func frameOf(run string) stage.Frame {
	return stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: run, Step: "record"}
}
