package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// Target is where an event is sent, such as a channel of a chat.
type Target interface {
	// Send sends the event once. An error of kind Temporary is retried; its text has no
	// secret, and [errs.RetryAfter] may say when.
	Send(ctx context.Context, e event.Event) error
}

// Subscription is a target with what it wants to know.
type Subscription struct {
	// Name names the target in records and logs, such as slack or webhook-2.
	Name string
	// Wants reports whether the target is told about an event.
	Wants func(event.Event) bool
	// Open makes the target. It may read its secrets.
	Open func(ctx context.Context) (Target, error)
}

// Delivery is what came of telling a target.
type Delivery struct {
	Target   string    `json:"target"`
	Event    string    `json:"event"` // id
	Sent     bool      `json:"sent"`
	Error    string    `json:"error,omitempty"`
	Hint     string    `json:"hint,omitempty"`
	Attempts int       `json:"attempts"` // to send; 0 if its secrets could not be read
	At       time.Time `json:"at"`       // UTC
}

// Limits of the delivery of an event.
const (
	// Within is how long all targets may take together, as they are told at once.
	Within = 8 * time.Second
	// perAttempt is how long a target may take to answer.
	perAttempt = 4 * time.Second
	attempts   = 3
	// firstPause is the pause before the second attempt; it doubles.
	firstPause = 500 * time.Millisecond
)

// Deliver tells all targets that want to know about an event, at once, and returns within
// [Within] what came of each, in their order. It skips those that earlier deliveries
// already told about it.
func Deliver(ctx context.Context, all []Subscription, e event.Event, earlier []Delivery) []Delivery {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	wanted := slices.DeleteFunc(slices.Clone(all), func(s Subscription) bool {
		told := slices.ContainsFunc(earlier, func(d Delivery) bool { return d.Target == s.Name && d.Event == e.ID && d.Sent })
		return told || !s.Wants(e)
	})
	deliveries := make([]Delivery, len(wanted))
	var group sync.WaitGroup
	for i, s := range wanted {
		group.Go(func() { deliveries[i] = s.deliver(ctx, e) })
	}
	group.Wait()
	return deliveries
}

func (s Subscription) deliver(ctx context.Context, e event.Event) Delivery {
	d := Delivery{Target: s.Name, Event: e.ID}
	target, err := s.Open(ctx)
	for pause := firstPause; err == nil; pause *= 2 {
		d.Attempts++
		if err = send(ctx, target, e); err == nil || d.Attempts == attempts || !retried(ctx, err, pause) {
			break
		}
		err = nil
	}
	d.Sent, d.At = err == nil, time.Now().UTC()
	if err != nil {
		d.Error, d.Hint = errs.OneLine(err.Error()), errs.HintOf(err)
	}
	return d
}

func send(ctx context.Context, target Target, e event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, perAttempt)
	defer cancel()
	return target.Send(ctx, e)
}

// retried waits before the next attempt, as long as the target asks for; it reports false
// if another attempt makes no sense or would come too late.
func retried(ctx context.Context, err error, pause time.Duration) bool {
	if errs.KindOf(err) != errs.Temporary {
		return false
	}
	if asked := (errs.RetryAfter{}); errors.As(err, &asked) {
		pause = max(pause, asked.After)
	}
	if end, limited := ctx.Deadline(); limited && time.Until(end) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
