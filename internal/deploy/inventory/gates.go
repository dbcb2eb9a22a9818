package inventory

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Gates are the gates of the environment for one deployment. A deployment by hand meets none.
type Gates struct {
	Store       Store
	Config      *config.Config
	Environment config.Environment
	Commit      string
	Purpose     plan.Purpose
	Offset      time.Duration // is added to the time that windows and freezes are compared with

	mu       sync.Mutex
	outcomes gate.Outcomes
	begun    bool // it was stored that the run begins to deploy here
}

// Outcomes returns what the gates have decided so far.
func (g *Gates) Outcomes() gate.Outcomes {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outcomes
}

// Reviewer returns what reviews the plans of the deployment; nil if no gate looks at one.
func (g *Gates) Reviewer() func(context.Context, *planned.Plan) error {
	if !g.lookAtPlan() {
		return nil
	}
	return g.review
}

// Begin evaluates the gates of time, now that the lock of the environment was taken: a person may
// have closed one, and a window ended, since the run waited for them. If no gate looks at the
// plan, it stores that the run begins to deploy there.
func (g *Gates) Begin(ctx context.Context) error {
	err := g.ofTime(ctx)
	if errs.KindOf(err) == errs.Held {
		goesOn, readErr := g.goesOn(ctx)
		if readErr != nil || !goesOn {
			return cmp.Or(readErr, err)
		}
		g.Store.Engine.Log.Warn("the deployment goes on although it might not begin now: an earlier attempt of it was interrupted", "environment", g.Environment.Name, "reason", g.outcomes.Reason())
		err = nil
	}
	switch {
	case err != nil:
		return err
	case g.lookAtPlan(): // hooks run before the plan is there
		return g.Store.CheckWaiting(ctx, g.Config, g.Environment, g.Commit, g.Purpose)
	}
	return g.keep(ctx)
}

func (g *Gates) none() bool { return g.Store.Bucket == nil || g.Store.Engine.Run == "" }

// lookAtPlan reports whether a gate looks at the plan.
func (g *Gates) lookAtPlan() bool { return !g.none() && g.Environment.LooksAtPlan() }

func (g *Gates) keep(ctx context.Context) error {
	g.begun = true
	return g.Store.KeepReached(ctx, g.Config, g.Environment, g.Commit, g.Purpose)
}

func (g *Gates) ofTime(ctx context.Context) error {
	if g.none() {
		return nil
	}
	known, err := gate.Store{Bucket: g.Store.Bucket}.Known(ctx, g.Store.Engine.Run, g.Environment.Name)
	if err != nil {
		return err
	}
	known.Now, known.Environment = time.Now().Add(g.Offset), g.Environment
	g.outcomes = gate.Evaluate(known)
	g.outcomes.Log(g.Store.Engine.Log)
	return g.outcomes.Held(g.Store.Engine.Run, g.Environment.Name)
}

// review evaluates the gates that look at a plan: that of all stacks, and later those of single
// stacks that could not be planned before others were deployed. The run has begun once the first
// one passes.
func (g *Gates) review(ctx context.Context, p *planned.Plan) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	people := gate.Store{Bucket: g.Store.Bucket}
	known, err := people.Known(ctx, g.Store.Engine.Run, g.Environment.Name)
	if err != nil {
		return err
	}
	ofPlans, err := people.OfPlans(ctx, g.Commit, g.Environment.Name)
	if err != nil {
		return err
	}
	known.Overrides = append(known.Overrides, ofPlans...)
	known.Now, known.Environment, known.Plan = time.Now(), g.Environment, p
	outcomes := gate.Evaluate(known)
	outcomes.Log(g.Store.Engine.Log)
	g.outcomes = g.outcomes.Merge(outcomes)
	if err := outcomes.Held(g.Store.Engine.Run, g.Environment.Name); err != nil || g.begun {
		return err
	}
	return g.keep(ctx)
}

// goesOn reports whether the step is another attempt of a deployment that has begun, and whose
// pod was lost, say: a half of it is not left. What ended by itself begins anew.
func (g *Gates) goesOn(ctx context.Context) (bool, error) {
	began, err := g.Store.Began(ctx, g.Environment.Name, g.Commit)
	if err != nil || !began {
		return false, err
	}
	return stage.StepInterrupted(ctx, g.Store.Bucket, g.Store.Engine.Run, plan.Deploy(g.Environment.Name))
}
