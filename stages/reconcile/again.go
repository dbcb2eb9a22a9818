package reconcile

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// late is how long after a time of the schedule its run is still started: a pod may wait for
// a node, and the next check of the reconciler makes up for one that never ran.
const late = 20 * time.Minute

// due returns the time of the schedule that is due, if one is.
func (in Input) due() (at time.Time, ok bool, err error) {
	if in.Schedule == "" {
		return time.Time{}, false, nil
	}
	schedule, err := cron.ParseStandard(in.Schedule)
	if err != nil {
		return time.Time{}, false, errs.Invalidf("--schedule %q: %w", in.Schedule, err).WithHint("write CRON_TZ=Europe/Berlin 0 3 * * *")
	}
	created, err := time.Parse(time.RFC3339, in.Created)
	if err != nil {
		return time.Time{}, false, errs.Invalidf("--schedule needs --created: %w", err).WithHint("write 2026-11-27T03:00:00Z")
	}
	for next := schedule.Next(created.Add(-late)); !next.IsZero() && !next.After(created); next = schedule.Next(next) {
		at, ok = next, true
	}
	return at, ok, nil
}

// again returns the run of a time of the schedule, if one is due, it has neither ended nor,
// as its name says to the cluster, begun, and the run of the push ended before that time.
func (d Deps) again(ctx context.Context, in Input, commit string) (*Missed, error) {
	at, ok, err := in.due()
	if err != nil || !ok {
		return nil, err
	}
	run := plan.NameOfRun{Prefix: in.Prefix, Commit: commit, Scheduled: plan.ScheduledAt(at)}.String()
	records := stage.Records{Bucket: d.Bucket}
	if pushed, err := records.First(ctx, plan.FirstRun(in.Prefix, commit), plan.FormerFirstRun(in.Prefix, commit)); err != nil || pushed != nil && pushed.Ended.After(at) {
		return nil, err
	}
	if record, err := records.Of(ctx, run); err != nil || record != nil {
		return nil, err
	}
	return &Missed{Namespace: in.Namespace, Sensor: in.Sensor, Run: run, Commit: commit, Pusher: OnSchedule}, nil
}
