package github

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// What a target can show, as in the configuration.
const (
	Statuses    = "statuses"
	Deployments = "deployments"
)

// Target shows in a repository what came of runs. It is a target of notifications.
type Target struct {
	repository *Repository
	shows      []string

	lock sync.Mutex
	// came is what came of each part of an event that GitHub answered for good: nothing of
	// it is sent twice.
	came map[string]error
}

// NewTarget returns a target that shows Statuses, Deployments or both.
func NewTarget(r *Repository, shows []string) *Target {
	return &Target{repository: r, shows: shows, came: map[string]error{}}
}

// part is one thing that a target shows of an event.
type part struct {
	kind string // Statuses or Deployments
	key  string // unique in an event
	send func(context.Context) error
}

// Send shows an event. It sends what it can, also if GitHub refuses a part; what was sent in an
// earlier attempt is not sent again.
func (t *Target) Send(ctx context.Context, e event.Event) error {
	t.lock.Lock()
	defer t.lock.Unlock()
	if e.Type == event.Test {
		return t.repository.Reach(ctx)
	}
	lacks := map[string]bool{} // kinds whose right the token lacks
	for _, p := range t.parts(e) {
		key := e.ID + "\n" + p.key
		if _, done := t.came[key]; done || lacks[p.kind] {
			continue
		}
		err := p.send(ctx)
		if errs.KindOf(err) == errs.Temporary {
			return err // the limit or the outage is that of all parts
		}
		t.came[key] = err
		if errors.As(err, new(unknown)) {
			break
		}
		lacks[p.kind] = errors.As(err, new(denied))
	}
	return t.refused(e)
}

// refused returns the error of the first part of an event that GitHub refused.
func (t *Target) refused(e event.Event) error {
	var first error
	more := 0
	for _, p := range t.parts(e) {
		switch err := t.came[e.ID+"\n"+p.key]; {
		case err == nil:
		case first == nil:
			first = err
		default:
			more++
		}
	}
	if more == 0 {
		return first
	}
	hint := errs.HintOf(first)
	return errs.Failedf("%w; and %d more", first, more).WithHint("%s", hint)
}

// parts returns what the target shows of an event: the run first, then environments that
// failed, then the others.
func (t *Target) parts(e event.Event) []part {
	run := e.Data
	environments := slices.Clone(run.Environments)
	slices.SortStableFunc(environments, func(a, b event.Environment) int { return rank(a.Outcome) - rank(b.Outcome) })
	var all []part
	if slices.Contains(t.shows, Statuses) {
		all = append(all, t.status(run, "", Status{State: stateOf(run.Outcome), Description: aboutRun(run)}))
		for _, env := range environments {
			all = append(all, t.status(run, env.Name, Status{State: stateOf(env.Outcome), Description: aboutEnvironment(env)}))
		}
		for _, name := range run.NotReached {
			all = append(all, t.status(run, name, notReached(run)))
		}
	}
	if slices.Contains(t.shows, Deployments) {
		for _, env := range environments {
			d := Deployment{run.Pipeline + "/" + env.Name, run.Run, stateOf(env.Outcome), aboutEnvironment(env), run.URL}
			all = append(all, part{Deployments, Deployments + "\n" + env.Name, func(ctx context.Context) error { return t.repository.SetDeployment(ctx, run.Commit, d) }})
		}
	}
	return all
}

func (t *Target) status(run event.Run, environment string, s Status) part {
	s.Context, s.URL = ContextOf(run.Pipeline, environment), run.URL
	return part{Statuses, Statuses + "\n" + environment, func(ctx context.Context) error { return t.repository.SetStatus(ctx, run.Commit, s) }}
}

func rank(o event.Outcome) int {
	if o == event.Failed {
		return 0
	}
	return 1
}

func stateOf(o event.Outcome) State {
	switch o {
	case event.Succeeded, event.Skipped:
		return Success
	case event.Failed:
		return Failure
	case event.Stopped, event.Superseded:
	}
	return Error
}

// aboutRun describes what came of a run.
func aboutRun(run event.Run) string {
	switch {
	case run.Outcome == event.Skipped:
		return "Nothing to deploy: " + run.Skipped
	case run.Outcome == event.Superseded:
		return "Superseded by a newer run before it deployed"
	case run.Outcome == event.Stopped:
		return "Stopped"
	case run.Outcome == event.Failed && run.Error != "":
		return run.Error
	case run.Outcome == event.Failed:
		return "Failed"
	case run.Check:
		return "The commit is valid"
	}
	return "Succeeded" + in(run.Created, run.Ended)
}

// aboutEnvironment describes what came of an environment.
func aboutEnvironment(env event.Environment) string {
	switch {
	case env.Outcome == event.Succeeded:
		return "Deployed" + in(env.Started, env.Ended)
	case env.Error != "":
		return env.Error
	case env.Outcome == event.Stopped:
		return "Stopped"
	}
	return "Failed"
}

// notReached describes an environment to which a run did not deploy.
func notReached(run event.Run) Status {
	switch run.Outcome {
	case event.Skipped:
		return Status{State: Success, Description: "Nothing to deploy: " + run.Skipped}
	case event.Succeeded:
		return Status{State: Error, Description: "Not deployed: the pipeline does not have this environment yet"}
	case event.Failed, event.Stopped, event.Superseded:
	}
	return Status{State: Error, Description: "Not deployed: the run ended before. " + aboutRun(run)}
}

// in returns how long something took; "" if that is not known.
func in(began, ended time.Time) string {
	if began.IsZero() || !ended.After(began) {
		return ""
	}
	return " in " + ended.Sub(began).Round(time.Second).String()
}
