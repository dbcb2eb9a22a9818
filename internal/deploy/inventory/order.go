package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// maxOrder is how many runs the order has.
const maxOrder = 200

// Order is the order of the runs of a pipeline: that in which environments get their
// commits. Runs work side by side; the update of the pipeline, which one run does at a
// time, compares the commit of each with the newest one and adds the run at the end.
type Order struct {
	Runs []Ordered `json:"runs"` // newest last
}

// Ordered is a run in the order.
type Ordered struct {
	Run    string `json:"run"`
	Commit string `json:"commit"`
	// Ready means that it has updated the pipeline and goes on to its environments. A run that
	// failed to, or that handed over, does not.
	Ready bool `json:"ready,omitempty"`
}

// Newest returns the newest run, if there is one.
func (o Order) Newest() (Ordered, bool) {
	if len(o.Runs) == 0 {
		return Ordered{}, false
	}
	return o.Runs[len(o.Runs)-1], true
}

// at returns the place of a run in the order, or -1.
func (o Order) at(run string) int {
	return slices.IndexFunc(o.Runs, func(other Ordered) bool { return other.Run == run })
}

// After reports whether one run comes after another. It is false if one of them is not
// known: of an earlier version of the pipeline, or too old.
func (o Order) After(one, other string) bool {
	at := o.at(other)
	return at >= 0 && o.at(one) > at
}

// of returns the place of the last run of a commit in the order, or -1.
func (o Order) of(commit string) (at int) {
	at = -1
	for i, run := range o.Runs {
		if run.Commit == commit {
			at = i
		}
	}
	return at
}

// refuses refuses a run that would undo a rollback of an environment, and one that a person
// asked for before the environment got a newer commit. A rollback itself goes over a newer one.
func (o Order) refuses(run Ordered, purpose plan.Purpose, has stage.Deployed) error {
	at := o.at(run.Run)
	if !purpose.Builds() {
		at = o.of(run.Commit) // the run itself has no place in the order
	}
	switch {
	case purpose == plan.ToRollBack, run.Commit == has.Commit, purpose == plan.ToRedeploy && run.Commit == has.Refused:
		return nil
	case has.Refused != "" && (run.Commit == has.Refused || at >= 0 && at <= o.of(has.Refused)):
		return errs.Supersededf("commit %s is superseded: run %s rolled back commit %s", run.Commit, has.Run, has.Refused).
			WithHint("push a newer commit")
	case !purpose.Builds() && at >= 0 && at < o.of(has.Commit):
		return errs.Supersededf("commit %s is superseded: run %s deployed the newer commit %s", run.Commit, has.Run, has.Commit).
			WithHint("to go back to an older state: generator rollback")
	}
	return nil
}

// isNewest reports whether no run comes after this one, as far as is known.
func (o Order) isNewest(run string) bool {
	last, any := o.Newest()
	return !any || last.Run == run
}

// ReadOrder reads the order of the runs; it is empty if no run has been added yet.
func ReadOrder(ctx context.Context, b bucket.Bucket) (Order, error) {
	data, err := b.Get(ctx, bucket.OrderKey())
	if errors.Is(err, fs.ErrNotExist) {
		return Order{}, nil
	}
	if err != nil {
		return Order{}, fmt.Errorf("reading the order of the runs: %w", err)
	}
	return parseOrder(data)
}

func parseOrder(data []byte) (o Order, err error) {
	if data == nil {
		return o, nil
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, errs.Failedf("reading the order of the runs: %w", err)
	}
	return o, nil
}

// AddToOrder adds a run at the end of the order. The newest run is the one that its commit
// was compared with: if another one has been added since, the step has to be repeated.
func (s Store) AddToOrder(ctx context.Context, run Ordered, newest Ordered) error {
	err := s.Bucket.Update(ctx, bucket.OrderKey(), func(stored []byte) ([]byte, error) {
		o, err := parseOrder(stored)
		if err != nil {
			return nil, err
		}
		last, _ := o.Newest()
		if last.Run == run.Run && last.Commit == run.Commit { // of an earlier attempt
			return nil, nil
		}
		if last.Run != newest.Run {
			return nil, errs.Temporaryf("run %s began at the same time", last.Run).WithHint("only one run may update the pipeline at a time")
		}
		o.Runs = append(slices.DeleteFunc(o.Runs, func(other Ordered) bool { return other.Run == run.Run }), run)
		o.Runs = o.Runs[max(0, len(o.Runs)-maxOrder):]
		return json.Marshal(o)
	})
	if err != nil {
		return fmt.Errorf("adding run %s to the order of the runs: %w", run.Run, err)
	}
	return nil
}

// MakeReady stores that the run has updated the pipeline and goes on to its environments.
func (s Store) MakeReady(ctx context.Context) error {
	err := s.Bucket.Update(ctx, bucket.OrderKey(), func(stored []byte) ([]byte, error) {
		o, err := parseOrder(stored)
		at := o.at(s.Engine.Run)
		if err != nil || at < 0 || o.Runs[at].Ready {
			return nil, err
		}
		o.Runs[at].Ready = true
		return json.Marshal(o)
	})
	if err != nil {
		return fmt.Errorf("storing that run %s goes on to its environments: %w", s.Engine.Run, err)
	}
	return nil
}

// waiting returns the newest run after this one that waits for the same environment, or is
// about to: it has updated the pipeline, the environments before have got its commit and
// passed their tests, and it has not ended. There may be none.
func (s Store) waiting(ctx context.Context, o Order, cfg *config.Config, env config.Environment) (Ordered, bool, error) {
	at := o.at(s.Engine.Run)
	if at < 0 {
		return Ordered{}, false, nil
	}
	for _, other := range slices.Backward(o.Runs[at+1:]) {
		if !other.Ready || other.Commit == o.Runs[at].Commit {
			continue
		}
		ended, err := s.ended(ctx, other.Run)
		if err != nil {
			return other, false, err
		}
		if ended {
			continue
		}
		reached, err := s.passed(ctx, other.Run, cfg, env.After)
		if reached || err != nil {
			return other, reached, err
		}
	}
	return Ordered{}, false, nil
}

// ended reports whether a run has a record: it succeeded, failed or was stopped. A deployment
// may list records of runs, not read them. One that is retried has a record, too, and does not
// make an older one end.
func (s Store) ended(ctx context.Context, run string) (bool, error) {
	key := bucket.RunRecordKey(run)
	keys, err := s.Bucket.List(ctx, key)
	if err != nil {
		return false, fmt.Errorf("listing the record of run %q: %w", run, err)
	}
	return slices.Contains(keys, key), nil
}

// passed reports whether a run has deployed to all of the environments, and tested them.
func (s Store) passed(ctx context.Context, run string, cfg *config.Config, environments []string) (bool, error) {
	for _, name := range environments {
		env, _ := cfg.Environment(name)
		if done, err := stage.StepDone(ctx, s.Bucket, run, plan.Last(env)); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}
