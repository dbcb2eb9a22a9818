package notify_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// sending is a target that is a function.
type sending func(context.Context) error

func (s sending) Send(ctx context.Context, _ event.Event) error { return s(ctx) }

func to(name string, send sending) notify.Subscription {
	return notify.Subscription{
		Name: name, Wants: func(event.Event) bool { return true }, Open: func(context.Context) (notify.Target, error) { return send, nil },
	}
}

// answering returns the errors one after another, and then none.
func answering(all ...error) sending {
	return func(context.Context) error {
		if len(all) == 0 {
			return nil
		}
		err := all[0]
		all = all[1:]
		return err
	}
}

func finished() event.Event {
	return event.New(event.Finished, "s3://artifacts", time.Now(), event.Run{Run: "shop-1", Outcome: event.Failed})
}

func TestTargetsAreToldAtOnceAndNoneHoldsUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		hanging := func(ctx context.Context) error {
			<-ctx.Done()
			return errs.Temporaryf("it did not answer in time")
		}
		unreadable := notify.Subscription{Name: "secret", Wants: func(event.Event) bool { return true }, Open: func(ctx context.Context) (notify.Target, error) {
			<-ctx.Done()
			return nil, errs.Invalidf("no permission").WithHint("ask a person")
		}}
		e := finished()
		got := notify.Deliver(t.Context(), []notify.Subscription{
			to("works", answering()), to("hangs", hanging), to("refuses", answering(errs.Failedf("it answered 404"))), unreadable,
			to("down", answering(errs.Temporaryf("down"), errs.Temporaryf("down"), errs.Temporaryf("down"), errs.Temporaryf("down"))),
			to("recovers", answering(errs.Temporaryf("down"), errs.Temporaryf("down"))),
		}, e, nil)
		assert.LessOrEqual(t, time.Since(began), notify.Within)
		require.Len(t, got, 6)
		for i, want := range []notify.Delivery{
			{Target: "works", Sent: true, Attempts: 1},
			{Target: "hangs", Error: "it did not answer in time", Attempts: 2},
			{Target: "refuses", Error: "it answered 404", Attempts: 1},
			{Target: "secret", Error: "no permission", Hint: "ask a person"},
			{Target: "down", Error: "down", Attempts: 3},
			{Target: "recovers", Sent: true, Attempts: 3},
		} {
			assert.False(t, got[i].At.IsZero())
			got[i].At, want.Event = time.Time{}, e.ID
			assert.Equal(t, want, got[i])
		}
	})
}

func TestATargetThatAsksForTimeGetsItIfThereIsSoMuch(t *testing.T) {
	after := func(pause time.Duration) error {
		return errs.Temporaryf("%w", errs.RetryAfter{Err: errors.New("busy"), After: pause})
	}
	for pause, sent := range map[time.Duration]bool{3 * time.Second: true, time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			got := notify.Deliver(t.Context(), []notify.Subscription{to("busy", answering(after(pause)))}, finished(), nil)
			assert.Equal(t, sent, got[0].Sent)
			want := time.Duration(0)
			if sent {
				want = pause
			}
			assert.Equal(t, want, time.Since(began), "nobody waits for what comes too late")
		})
	}
}

func TestATargetThatWasToldIsNotToldAgain(t *testing.T) {
	e := finished()
	other := event.New(event.Finished, "s3://artifacts", time.Now(), e.Data, "retried")
	targets := []notify.Subscription{to("works", answering()), to("down", answering(errs.Failedf("no")))}
	first := notify.Deliver(t.Context(), targets, e, nil)
	require.Len(t, first, 2)
	again := notify.Deliver(t.Context(), targets, e, first)
	require.Len(t, again, 1)
	assert.Equal(t, "down", again[0].Target)
	assert.True(t, again[0].Sent)
	assert.Len(t, notify.Deliver(t.Context(), targets, other, first), 2, "another event")
}
