package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	gatestage "github.com/aphex/aphex-pipeline/stages/gate"
)

const (
	older, newer = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	monday       = `windows: [{days: [mon], from: "09:00", to: "10:00", timezone: Europe/Berlin}]`
)

// waits is a run that waits for the environment prod, at a time.
type waits struct {
	*testing.T
	bucket bucket.Bucket
	source string
	log    bytes.Buffer
}

func waitsFor(t *testing.T, gates string) *waits {
	t.Helper()
	w := &waits{T: t, bucket: buckettest.New(nil), source: t.TempDir()}
	text := "version: \"1.0\"\nstacks: [{name: Api}]\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1}, {name: prod, account: \"111111111111\", region: eu-west-1, " + gates + "}]\n"
	require.NoError(t, os.WriteFile(filepath.Join(w.source, "aphex-config.yaml"), []byte(text), 0o600))
	return w
}

func (w *waits) from(ctx context.Context, text string) (gatestage.Output, error) {
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(w, err)
	in := gatestage.Input{
		Environment: "prod", Config: "aphex-config.yaml", ClockOffset: time.Until(at), Commit: older, Source: w.source,
	}
	return gatestage.Run(ctx, gatestage.Deps{Bucket: w.bucket}, stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Workflow: "shop-1", Step: "gate-prod"}, in)
}

func (w *waits) put(key string, value any) {
	data, err := json.Marshal(value)
	require.NoError(w, err)
	require.NoError(w, w.bucket.Create(w.Context(), key, data))
}

func TestARunWaitsUntilTheWindowOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, monday), time.Now()
		out, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		require.NoError(t, err)
		assert.Equal(t, 3*time.Hour, time.Since(began).Round(time.Millisecond))
		require.Len(t, out.Gates, 1)
		assert.Equal(t, gate.Open, out.Gates[0].State)
		assert.Contains(t, w.log.String(), "it is outside of its windows until Mon 30 Nov 2026 09:00 CET")
		assert.Equal(t, 1, strings.Count(w.log.String(), "the deployment waits"), "it is said once")
	})
}

func TestAnOpenGateIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, monday), time.Now()
		_, err := w.from(t.Context(), "2026-11-30T09:59:59+01:00")
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
	})
}

func TestAnOverrideEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, monday), time.Now()
		go func() {
			time.Sleep(time.Hour)
			_ = gate.Store{Bucket: w.bucket}.AddOverride(context.WithoutCancel(t.Context()), "shop-1", "prod", gate.Override{Gates: []gate.Name{gate.Windows}, Why: "down", By: "ada", At: time.Now()})
		}()
		out, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		require.NoError(t, err)
		assert.InDelta(t, time.Hour, time.Since(began), float64(31*time.Second))
		assert.Equal(t, gate.Overridden, out.Gates[0].State)
		assert.Contains(t, w.log.String(), "by=ada")
		synctest.Wait()
	})
}

func TestARunThatANewerOneSupersedesStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, monday), time.Now()
		order := inventory.Order{Runs: []inventory.Ordered{{Run: "shop-1", Commit: older, Ready: true}, {Run: "shop-2", Commit: newer, Ready: true}}}
		w.put(bucket.OrderKey(), order)
		go func() {
			time.Sleep(time.Hour)
			w.put(bucket.StepRecordKey("shop-2", "deploy-dev", 1), stage.Record{Workflow: "shop-2", Step: "deploy-dev", Status: stage.Done})
		}()
		_, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		assert.Equal(t, errs.Superseded, errs.KindOf(err), err)
		assert.ErrorContains(t, err, "run shop-2 waits for environment prod")
		assert.InDelta(t, time.Hour, time.Since(began), float64(31*time.Second))
		synctest.Wait()
	})
}

func TestARunThatTheEnvironmentHasOvertakenStopsWaiting(t *testing.T) {
	w := waitsFor(t, monday)
	w.put(bucket.OrderKey(), inventory.Order{Runs: []inventory.Ordered{{Run: "shop-1", Commit: older}, {Run: "shop-2", Commit: newer}}})
	w.put(bucket.ReachedKey("prod"), stage.Deployed{Commit: newer, Run: "shop-2"})
	_, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
	assert.Equal(t, errs.Superseded, errs.KindOf(err), err)
}

func TestARunDoesNotWaitLongerThanItMayRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, `freezes: [{from: "2026-12-18", until: "2027-01-04", why: the year ends}]`), time.Now()
		_, err := w.from(t.Context(), "2026-12-20T12:00:00+01:00")
		assert.Equal(t, errs.Held, errs.KindOf(err))
		assert.ErrorContains(t, err, "a run waits at most six days")
		assert.ErrorContains(t, err, "the year ends")
		assert.Contains(t, errs.HintOf(err), "generator retry shop-1 --environment prod")
		assert.Zero(t, time.Since(began), "a pod does not wait for what it cannot get")
		_, err = w.from(t.Context(), "2027-01-03T21:00:00Z")
		require.NoError(t, err)
		assert.Equal(t, 3*time.Hour, time.Since(began).Round(time.Millisecond))
	})
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, `freezes: [{from: "2026-01-01", until: "2026-01-02", why: it is over}]`), time.Now()
		w.put(bucket.FreezeKey("prod"), gate.Freeze{From: time.Unix(0, 0), Why: "an audit", By: "ada"})
		_, err := w.from(t.Context(), "2026-11-30T09:30:00+01:00")
		assert.Equal(t, errs.Held, errs.KindOf(err))
		assert.InDelta(t, 6*24*time.Hour, time.Since(began), float64(31*time.Second), "a person may end it at any time")
	})
}

func TestAStoppedRunStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_, err := waitsFor(t, monday).from(ctx, "2026-11-28T12:00:00+01:00")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// broken is a bucket whose reads fail until a time.
type broken struct {
	bucket.Bucket
	until time.Time
	err   error
}

func (b broken) Get(ctx context.Context, key string) ([]byte, error) {
	if time.Now().Before(b.until) {
		return nil, b.err
	}
	return b.Bucket.Get(ctx, key)
}

func TestAWaitSurvivesABucketThatDoesNotAnswerForAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		down time.Duration
		err  error
		kind errs.Kind
		took time.Duration
	}{
		"for some minutes":         {10 * time.Minute, errs.Temporaryf("no connection"), 0, 3 * time.Hour},
		"for hours":                {5 * time.Hour, errs.Temporaryf("no connection"), errs.Temporary, time.Hour},
		"as it may not be read at": {10 * time.Minute, errs.Failedf("access denied"), errs.Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, began := waitsFor(t, monday), time.Now()
				w.bucket = broken{w.bucket, began.Add(c.down), c.err}
				out, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
				assert.InDelta(t, c.took, time.Since(began), float64(time.Minute))
				if c.took != 3*time.Hour {
					assert.Equal(t, c.kind, errs.KindOf(err), err)
					assert.Error(t, err)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, gate.Open, out.Gates[0].State)
				assert.Equal(t, 1, strings.Count(w.log.String(), "cannot be looked at"), "it is said once")
			})
		})
	}
}

func TestAWaitWithoutABucketIsRefused(t *testing.T) {
	in := gatestage.Input{Environment: "prod", Commit: older, Source: "."}
	assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()))
	in.Bucket = "artifacts"
	assert.NoError(t, in.Validate())
}

// asking stores what the pipeline step of the run stores if it requires an approval of prod.
func (w *waits) asking() gate.Store {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.source, "aphex-config.yaml"))
	require.NoError(w, err)
	s := gate.Store{Bucket: w.bucket}
	require.NoError(w, s.Ask(w.Context(), "shop-1", gate.Asked{Commit: older, Config: string(text), Approvals: []string{"prod"}}))
	w.source = ""
	return s
}

func TestARunWaitsForAPersonAndThenForItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, monday), time.Now()
		s := w.asking()
		go func() {
			time.Sleep(time.Hour)
			_ = s.Decide(context.WithoutCancel(t.Context()), gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", Attested: true, At: time.Now()})
		}()
		out, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		require.NoError(t, err)
		assert.Equal(t, 3*time.Hour, time.Since(began).Round(time.Minute))
		require.Len(t, out.Gates, 2)
		assert.Equal(t, gate.Approval, out.Gates[0].Gate)
		assert.Equal(t, "ada", out.Gates[0].Decisions[0].By)
		synctest.Wait()
	})
}

func TestARejectionEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, ""), time.Now()
		s := w.asking()
		go func() {
			time.Sleep(time.Hour)
			_ = s.Decide(context.WithoutCancel(t.Context()), gate.Decision{Run: "shop-1", Environment: "prod", By: "ada", Attested: true, Reject: true, Why: "not today", At: time.Now()})
		}()
		out, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		assert.Equal(t, errs.Held, errs.KindOf(err))
		assert.ErrorContains(t, err, "rejected by ada")
		assert.InDelta(t, time.Hour, time.Since(began), float64(31*time.Second))
		require.Len(t, out.Gates, 1)
		assert.Equal(t, gate.Rejected, out.Gates[0].State)
		synctest.Wait()
	})
}

func TestARunThatNobodyApprovesEndsAfterSixDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := waitsFor(t, ""), time.Now()
		w.asking()
		_, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
		assert.Equal(t, errs.Held, errs.KindOf(err))
		assert.ErrorContains(t, err, "it waits for an approval (generator approve shop-1 --environment prod)")
		assert.InDelta(t, 6*24*time.Hour, time.Since(began), float64(31*time.Second))
	})
}

func TestAGateWithoutWhatItsRunStoredStaysShut(t *testing.T) {
	w := waitsFor(t, "")
	w.source = ""
	_, err := w.from(t.Context(), "2026-11-30T06:00:00+01:00")
	require.ErrorContains(t, err, `run "shop-1" stored nothing for the gates`)
	w = waitsFor(t, "")
	require.NoError(t, gate.Store{Bucket: w.bucket}.Ask(t.Context(), "shop-1", gate.Asked{Commit: newer, Config: "{}"}))
	w.source = ""
	_, err = w.from(t.Context(), "2026-11-30T06:00:00+01:00")
	require.ErrorContains(t, err, "stored the gates of commit "+newer)
}
