package deploy

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// gates are the gates of the environment for one deployment. A deployment by hand meets none.
type gates struct {
	Deps
	frame stage.Frame
	in    Input
	store inventory.Store
	cfg   *config.Config
	env   config.Environment

	mu       sync.Mutex
	outcomes gate.Outcomes
	begun    bool // it was stored that the run begins to deploy here
}

func (d Deps) gates(frame stage.Frame, in Input, store inventory.Store, cfg *config.Config) *gates {
	env, _ := cfg.Environment(in.Environment) // it has stacks
	return &gates{Deps: d, frame: frame, in: in, store: store, cfg: cfg, env: env}
}

// reviewer returns what reviews the plans of the deployment; nil if no gate looks at one.
func (g *gates) reviewer() func(context.Context, *planned.Plan) error {
	if !g.lookAtPlan() {
		return nil
	}
	return g.review
}

// begin evaluates the gates of time, now that the lock of the environment was taken: a person may
// have closed one, and a window ended, since the run waited for them. If no gate looks at the
// plan, it stores that the run begins to deploy there.
func (g *gates) begin(ctx context.Context) error {
	err := g.ofTime(ctx)
	if errs.KindOf(err) == errs.Held {
		goesOn, readErr := g.goesOn(ctx)
		if readErr != nil || !goesOn {
			return cmp.Or(readErr, err)
		}
		g.frame.Log.Warn("the deployment goes on although it might not begin now: an earlier attempt of it was interrupted", "environment", g.env.Name, "reason", g.outcomes.Reason())
		err = nil
	}
	switch {
	case err != nil:
		return err
	case g.lookAtPlan(): // hooks run before the plan is there
		return g.store.CheckWaiting(ctx, g.cfg, g.env, g.in.Commit, plan.Purpose(g.in.Purpose))
	}
	return g.keep(ctx)
}

func (g *gates) none() bool { return g.Bucket == nil || g.frame.Workflow == "" }

// lookAtPlan reports whether a gate looks at the plan.
func (g *gates) lookAtPlan() bool { return !g.none() && g.env.LooksAtPlan() }

func (g *gates) keep(ctx context.Context) error {
	g.begun = true
	return g.store.KeepReached(ctx, g.cfg, g.env, g.in.Commit, plan.Purpose(g.in.Purpose))
}

func (g *gates) ofTime(ctx context.Context) error {
	if g.none() {
		return nil
	}
	known, err := gate.Store{Bucket: g.Bucket}.Known(ctx, g.frame.Workflow, g.env.Name)
	if err != nil {
		return err
	}
	known.Now, known.Environment = time.Now().Add(g.in.ClockOffset), g.env
	g.outcomes = gate.Evaluate(known)
	g.outcomes.Log(g.frame.Log)
	return g.outcomes.Held(g.frame.Workflow, g.env.Name)
}

// review evaluates the gates that look at a plan: that of all stacks, and later those of single
// stacks that could not be planned before others were deployed. The run has begun once the first
// one passes.
func (g *gates) review(ctx context.Context, p *planned.Plan) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	people := gate.Store{Bucket: g.Bucket}
	known, err := people.Known(ctx, g.frame.Workflow, g.env.Name)
	if err != nil {
		return err
	}
	ofPlans, err := people.OfPlans(ctx, g.in.Commit, g.env.Name)
	if err != nil {
		return err
	}
	known.Overrides = append(known.Overrides, ofPlans...)
	known.Now, known.Environment, known.Plan = time.Now(), g.env, p
	outcomes := gate.Evaluate(known)
	outcomes.Log(g.frame.Log)
	g.outcomes = g.outcomes.Merge(outcomes)
	if err := outcomes.Held(g.frame.Workflow, g.env.Name); err != nil || g.begun {
		return err
	}
	return g.keep(ctx)
}

// goesOn reports whether the step is another attempt of a deployment that has begun, and whose
// pod was lost, say: a half of it is not left. What ended by itself begins anew.
func (g *gates) goesOn(ctx context.Context) (bool, error) {
	began, err := g.store.Began(ctx, g.env.Name, g.in.Commit)
	if err != nil || !began {
		return false, err
	}
	return stage.StepInterrupted(ctx, g.Bucket, g.frame.Workflow, plan.Deploy(g.env.Name))
}
