package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// anyAccount stands for the account of an environment that the commit dropped and no run
// has stored.
const anyAccount = ""

// kept lists the environments of a commit that wait for an approval which it does not
// declare, because of what came before: an environment that required one waits until a
// person approves a deployment without it. So does an environment that comes to an account
// in which another one requires approvals; else a commit could deploy there under another
// name. Before the first run of a pipeline nothing is stored, and the template of the run,
// which a person installed, says which environments wait.
func (in Input) kept(cfg *config.Config, before map[string]stage.Deployed) []string {
	stored, installed := map[string]bool{}, map[string]bool{} // accounts with an approval
	for _, has := range before {
		stored[has.Account] = stored[has.Account] || has.Approval
	}
	for _, name := range in.Gates {
		env, _ := cfg.Environment(name)
		installed[cmp.Or(before[name].Account, env.Account)] = true
	}
	guards := func(accounts map[string]bool, env config.Environment) bool {
		return accounts[env.Account] || accounts[anyAccount]
	}
	var waiting []string
	for _, env := range cfg.Environments {
		has, known := before[env.Name]
		comes := !known || has.Account != "" && (has.Account != env.Account || has.Region != env.Region)
		added := comes && !slices.Contains(in.Environments, env.Name)
		if !plan.Approval.Requires(env) && (has.Approval || comes && guards(stored, env) || added && guards(installed, env)) {
			waiting = append(waiting, env.Name)
		}
	}
	return waiting
}

// keepApprovals stores which environments wait for an approval, before the commit changes
// the pipeline: the next commit finds them also if nothing is deployed until then. Only a
// deployment takes an approval away, once a person approved it.
func (d Deps) keepApprovals(ctx context.Context, in Input, cfg *config.Config, before map[string]stage.Deployed) error {
	if before == nil { // outside of a run
		return nil
	}
	store, gates := inventory.Store{Bucket: d.Bucket}, in.gatesOf(cfg)
	for _, env := range cfg.Environments {
		if err := store.KeepApproval(ctx, env, slices.Contains(gates, env.Name), before[env.Name]); err != nil {
			return err
		}
	}
	for _, name := range gates {
		if _, declared := cfg.Environment(name); declared {
			continue
		}
		if err := store.KeepApproval(ctx, config.Environment{Name: name}, true, before[name]); err != nil {
			return err
		}
	}
	return nil
}
