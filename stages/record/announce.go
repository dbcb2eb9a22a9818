package record

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// announce tells all targets what came of a recorded run and publishes its metrics, at once,
// and adds to the record what came of that. Whatever fails here fails no run. Of a run that
// had nothing to do, only those learn that show every run; of one that only let another one pass
// a gate, nobody does.
func (d Deps) announce(ctx context.Context, frame stage.Frame, in Input, document Document) {
	if !plan.Purpose(document.Purpose).Deploys() {
		return
	}
	e := eventOf(document, in, d.recovered(ctx, frame, document))
	var group sync.WaitGroup
	var deliveries []notify.Delivery
	group.Go(func() { deliveries = notify.Deliver(ctx, d.Subscriptions, e, document.Notified) })
	var published *Published
	if in.Metrics && d.Publish != nil && document.Skipped == "" {
		published = d.publish(ctx, document, e.Data)
	}
	group.Wait()
	for _, one := range deliveries {
		if one.Sent {
			frame.Log.Info("notified", "target", one.Target, "attempts", one.Attempts)
		} else {
			frame.Log.Warn("a target was not notified", "target", one.Target, "attempts", one.Attempts, "error", one.Error, "hint", one.Hint)
		}
	}
	if published != nil && published.Error != "" {
		frame.Log.Warn("the metrics of the run were not published", "error", published.Error, "hint", published.Hint)
	}
	if len(deliveries) == 0 && published == nil {
		return
	}
	err := amend(ctx, d.Bucket, document, func(stored *Document) {
		stored.Notified = append(stored.Notified, deliveries...)
		stored.Notified = stored.Notified[max(len(stored.Notified)-mostOfDeliveries, 0):]
		if published != nil {
			stored.Published = published
		}
	})
	if err != nil {
		frame.Log.Warn("the record of the run does not say who was notified", "error", err)
	}
}

// mostOfDeliveries is how many deliveries the record of a run lists.
const mostOfDeliveries = 100

// recovered reports whether a run succeeded after one that failed: an earlier attempt of
// itself, or the run before it.
func (d Deps) recovered(ctx context.Context, frame stage.Frame, document Document) bool {
	if len(d.Subscriptions) == 0 || !document.deployed() {
		return false
	}
	if document.before != "" && document.before != "Succeeded" {
		return true
	}
	index, err := ReadIndex(ctx, d.Bucket)
	if err != nil {
		frame.Log.Warn("cannot read whether the run before failed", "error", err)
		return false
	}
	return index.failedBefore(document.Workflow)
}

// publish publishes what metrics have not counted of a run. The record says so before: a
// value that may be lost is better than one that is counted twice.
func (d Deps) publish(ctx context.Context, document Document, run event.Run) *Published {
	data, counts := metric.Of(run, document.Counted)
	if len(data) == 0 {
		return nil
	}
	published := &Published{Values: len(data)}
	err := amend(ctx, d.Bucket, document, func(stored *Document) { stored.Counted = append(stored.Counted, counts...) })
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, notify.Within)
		defer cancel()
		err = d.Publish(ctx, data)
	}
	if err != nil {
		published.Error, published.Hint = errs.OneLine(err.Error()), errs.HintOf(err)
	}
	return published
}

// amend changes the stored record of a run, unless it is of another run by now.
func amend(ctx context.Context, b bucket.Bucket, document Document, change func(*Document)) error {
	return b.Update(ctx, bucket.RunRecordKey(document.Workflow), func(before []byte) ([]byte, error) {
		var stored Document
		if err := json.Unmarshal(before, &stored); err != nil {
			return nil, errs.Failedf("reading the record of run %q: %w", document.Workflow, err)
		}
		if !document.continues(stored) {
			return nil, errs.Failedf("the record of run %q is of another run by now", document.Workflow)
		}
		stored.Notified, stored.Counted = slices.Clone(stored.Notified), slices.Clone(stored.Counted)
		change(&stored)
		return stored.encode()
	})
}
