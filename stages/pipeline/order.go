package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// checkOrder refuses a commit that does not follow from those that runs began to
// deploy, whatever their results and even if their Workflows are gone: a delivery may
// be late, or replayed by whoever recorded it. Git decides which commit is older. A commit
// that neither follows nor precedes comes from a force push, which the configuration may
// allow. A run is also refused if a newer commit is past this check, even if it waits for
// all environments. The deployment of each environment compares the order of the runs once more.
// It returns the newest run, if there is one.
func (d Deps) checkOrder(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, all map[string]stage.Deployed, head string) (newest inventory.Ordered, err error) {
	if err := in.checkRefused(all); err != nil {
		return newest, err
	}
	if newest, err = d.newest(ctx, frame); err != nil || d.Order == nil || in.Repository == "" {
		return newest, err
	}
	known := map[string]checkout.Order{}
	for _, environment := range slices.Sorted(maps.Keys(all)) {
		has := all[environment]
		commit := newestOf(has)
		if commit == "" { // no run began to deploy there yet
			continue
		}
		order, asked := known[commit]
		if !asked {
			if order, err = d.Order(ctx, frame, in, commit); err != nil {
				return newest, fmt.Errorf("comparing commit %s with %s, which environment %s has: %w", in.Commit, commit, environment, err)
			}
			known[commit] = order
		}
		// A newer commit may have renamed or removed the environment; one that it left
		// behind says nothing of a branch that was rewritten since.
		if _, declared := cfg.Environment(environment); !declared && order == checkout.Diverged {
			continue
		}
		if err := in.follows(frame, order, environment, has, cfg.AllowForcePush); err != nil {
			return newest, err
		}
	}
	return newest, d.checkNewest(ctx, frame, in, newest, head)
}

// checkNewest refuses a commit that is older than that of the newest run, and one that is not
// on the branch any more: a push that rewrote the branch came first.
func (d Deps) checkNewest(ctx context.Context, frame stage.Frame, in Input, newest inventory.Ordered, head string) error {
	if newest.Commit == "" || newest.Commit == in.Commit {
		return nil
	}
	order, err := d.Order(ctx, frame, in, newest.Commit)
	if err == nil && order == checkout.Diverged && head != "" && head != in.Commit {
		var inBranch checkout.Order
		if inBranch, err = d.Order(ctx, frame, in, head); inBranch == checkout.Diverged {
			order = checkout.Before
		}
	}
	if err != nil {
		return fmt.Errorf("comparing commit %s with %s, which run %s deploys: %w", in.Commit, newest.Commit, newest.Run, err)
	}
	if order != checkout.Before {
		return nil
	}
	return errs.Supersededf("commit %s is superseded: run %s deploys the newer commit %s", in.Commit, newest.Run, newest.Commit).
		WithHint("to go back to an older state: generator rollback ENVIRONMENT; or push a revert: git revert")
}

// newest returns the newest run that is past the check of its commit, if there is one.
func (d Deps) newest(ctx context.Context, frame stage.Frame) (inventory.Ordered, error) {
	if d.Bucket == nil || frame.Workflow == "" {
		return inventory.Ordered{}, nil
	}
	order, err := inventory.ReadOrder(ctx, d.Bucket)
	newest, _ := order.Newest()
	return newest, err
}

// enter adds the run to the order of the runs: its commit was compared and can be deployed.
// Then it stores again which environments wait for an approval. An older run may have taken an
// approval away while it was still the newest one; now it cannot.
func (d Deps) enter(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, newest inventory.Ordered) error {
	if d.Bucket == nil || frame.Workflow == "" {
		return nil
	}
	if err := (inventory.Store{Bucket: d.Bucket}).AddToOrder(ctx, inventory.Ordered{Run: frame.Workflow, Commit: in.Commit}, newest); err != nil {
		return err
	}
	stored, err := d.stored(ctx, in)
	if err != nil {
		return err
	}
	return d.keepApprovals(ctx, in, cfg, stored)
}

// ready lets the run supersede older ones that wait for the same environments, unless another
// run continues with them.
func (d Deps) ready(ctx context.Context, frame stage.Frame, out Output) error {
	if d.Bucket == nil || frame.Workflow == "" || out.Handover != nil {
		return nil
	}
	return inventory.Store{Bucket: d.Bucket, Engine: deploy.Engine{Run: frame.Workflow}}.MakeReady(ctx)
}

// newestOf returns the newest commit that runs began to deploy to an environment, also if it
// was rolled back.
func newestOf(has stage.Deployed) string { return cmp.Or(has.Refused, has.Commit) }

// checkRefused refuses a commit that a person rolled back in an environment.
func (in Input) checkRefused(all map[string]stage.Deployed) error {
	for _, environment := range slices.Sorted(maps.Keys(all)) {
		if has := all[environment]; has.Refused != "" && has.Refused == in.Commit {
			return errs.Failedf("commit %s was rolled back in environment %s: run %s went back to commit %s there", in.Commit, environment, has.Run, has.Commit).
				WithHint("push a newer commit; to deploy this one regardless: generator redeploy %s --commit %s", environment, in.Commit)
		}
	}
	return nil
}

// stored returns what is stored of the environments. Outside of a run there is
// nothing to compare with.
func (d Deps) stored(ctx context.Context, in Input) (map[string]stage.Deployed, error) {
	if len(in.Environments) == 0 && (d.Order == nil || in.Repository == "") {
		return nil, nil
	}
	return inventory.Store{Bucket: d.Bucket}.Reached(ctx)
}

// follows decides about the order of the commit and the one that an environment has.
func (in Input) follows(frame stage.Frame, order checkout.Order, environment string, has stage.Deployed, allowed bool) error {
	switch {
	case order == checkout.Same, order == checkout.After:
		return nil
	case order == checkout.Before:
		if has.Refused != "" {
			return errs.Supersededf("commit %s is superseded: environment %s had the newer commit %s, which run %s rolled back", in.Commit, environment, has.Refused, has.Run).
				WithHint("push a newer commit, or go further back: generator rollback %s --to %s", environment, in.Commit)
		}
		return errs.Supersededf("commit %s is superseded: environment %s has the newer commit %s, which run %s began to deploy", in.Commit, environment, newestOf(has), has.Run).
			WithHint("to go back to an older state: generator rollback %s; or push a revert: git revert", environment)
	case allowed:
		frame.Log.Warn("the commit does not follow from the one that the environment has; it is deployed because of allowForcePush",
			"environment", environment, "commit", in.Commit, "has", newestOf(has), "run", has.Run)
		return nil
	}
	return errs.Failedf("commit %s does not follow from %s, which run %s began to deploy to environment %s: the branch was rewritten, or it is another branch",
		in.Commit, newestOf(has), has.Run, environment).
		WithHint("if this is intended, set allowForcePush: true in %s, or deploy by hand: deployer environment", in.Config)
}
