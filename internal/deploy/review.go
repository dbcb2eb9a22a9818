package deploy

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// reviewed is what was permitted before the first stack changed.
type reviewed struct {
	sets  map[string]bool // ARNs of change sets
	stale map[string]bool // stacks whose change sets were made before stacks changed that they need
}

// review makes the change sets of all stacks, as far as they can be made before the first one is
// executed, and asks whether they may be. A stack that cannot be deployed stops all of them.
func (d *deployment) review(ctx context.Context, apps []*app, targets []target, nodes []schedule.Node, gone []removed) (done reviewed, err error) {
	if d.Review == nil {
		return done, nil
	}
	defer d.report.begin("making the change sets of all stacks")()
	ahead, err := d.newDeployment(ctx, apps, true)
	if err != nil {
		return done, err
	}
	defer ahead.publisher.LogOut(ctx)
	plan := d.plan(planned.FromChangeSets)
	stacks, ordered := ahead.planAll(ctx, targets, nodes, func(string, error) {})
	if ctx.Err() != nil {
		return done, errs.Cancelledf("the deployment was stopped before it changed anything: %w", ctx.Err())
	}
	if err := combine(blocked(ordered), nil); err != nil {
		return done, err
	}
	plan.Stacks = append(stacksOf(ordered), planOf(gone)...)
	plan.Settle()
	done = reviewed{sets: map[string]bool{}, stale: map[string]bool{}}
	for i, t := range targets {
		done.sets[stacks[t.name].ChangeSet] = true
		done.stale[t.name] = len(changing(nodes[i], nodes, stacks)) > 0
	}
	return done, d.Review(ctx, plan)
}

// permits asks about a change set that is not one of the plan of all stacks: that of a stack which
// waited for another one, say.
func (d *deployment) permits(t target) func(context.Context, string, func(context.Context) (cfn.Prepared, error)) error {
	if d.Review == nil {
		return nil
	}
	return func(ctx context.Context, changeSet string, prepared func(context.Context) (cfn.Prepared, error)) error {
		if d.reviewed.sets[changeSet] {
			return nil
		}
		p, err := prepared(ctx)
		if err != nil {
			return err
		}
		s := d.stackOf(t).Stack
		s.Digest, s.TemplateDigest, s.StackID, s.ChangeSet = p.Digest, p.TemplateDigest, p.StackID, p.ChangeSet
		if err := describe(&s, t, p, d.mask); err != nil {
			return err
		}
		plan := d.plan(planned.FromChangeSets)
		plan.Stacks = []planned.Stack{s}
		plan.Settle()
		return d.Review(ctx, plan)
	}
}
