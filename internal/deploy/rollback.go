package deploy

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// RollBack rolls back the stacks of a request whose earlier operation was
// interrupted, one after the other, and stops at the first that fails. It is an
// error if none needs it.
func (e Engine) RollBack(ctx context.Context, r Request, orphans cfn.Orphans) (results Results, err error) {
	j := e.newJob(r)
	if err := j.assumeAccess(ctx); err != nil {
		return nil, err
	}
	defer j.close()
	targets, apps, _, err := j.selectStacks(ctx)
	if err != nil {
		return nil, err
	}
	j.report.choose(targets)
	d, err := j.newDeployment(ctx, apps, false)
	if err != nil {
		return nil, err
	}
	any := false
	for _, t := range targets {
		result, err := d.rollBackStack(ctx, t, orphans)
		d.report.ended(t.name, err)
		state := schedule.Done
		if err != nil {
			state = schedule.Failed
		}
		results = append(results, Result{Result: result, Stack: t.name, Name: t.stack.Name, Region: t.region, State: state, Err: err})
		if err != nil {
			return results, err
		}
		any = any || result.Action == cfn.RolledBack
	}
	if !any {
		return results, errs.Failedf("no stack was in a state that can be rolled back")
	}
	return results, nil
}

// rollbackBootstrap is the first version of the bootstrap whose roles may roll back.
const rollbackBootstrap = 23

func (d *deployment) rollBackStack(ctx context.Context, t target, orphans cfn.Orphans) (cfn.Result, error) {
	session, goal, err := d.openStack(ctx, t)
	if err != nil {
		return cfn.Result{}, err
	}
	if needs := t.stack.Bootstrap; needs.Parameter != "" {
		needs.MinVersion = max(needs.MinVersion, rollbackBootstrap)
		if err := d.require(ctx, t, needs); err != nil {
			return cfn.Result{}, fmt.Errorf("rolling back stack %s: %w", t.name, err)
		}
	}
	result, err := cfn.RollBackStack(ctx, cfn.NewClient(session.Config), goal, orphans, d.options(t))
	d.lookBehind(ctx, t.region, err)
	return result, session.Explain(err)
}
