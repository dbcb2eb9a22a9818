package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// anyAccount stands for the account of an environment whose place nothing says: that of a
// template of an earlier version.
const anyAccount = ""

// known completes what is stored of the environments with what the template of the run
// says: where its environments are, and which wait for an approval. Before the first run
// of a pipeline nothing is stored, and a person has installed the template. What the commit
// says of places is its claim.
func (in Input) known(stored map[string]stage.Deployed) map[string]stage.Deployed {
	all := maps.Clone(stored)
	if all == nil {
		all = map[string]stage.Deployed{}
	}
	for _, place := range in.Places {
		name, place, _ := strings.Cut(place, "=")
		has := all[name]
		if has.Account == "" {
			has.Account, has.Region, _ = strings.Cut(place, "/")
		}
		all[name] = has
	}
	for _, name := range in.Gates {
		has := all[name]
		has.Approval = true
		all[name] = has
	}
	return all
}

// kept lists the environments of a commit that wait for an approval which it does not
// declare, because of what came before: an environment that required one waits until a
// person approves a deployment without it. So does an environment that comes to an account
// in which another one requires approvals, or did when it left; else a commit could deploy
// there under another name.
func kept(cfg *config.Config, before map[string]stage.Deployed) []string {
	guarded := map[string]bool{} // accounts
	for _, has := range before {
		guarded[has.Account] = guarded[has.Account] || has.Approval
		for _, account := range has.Guarded {
			guarded[account] = true
		}
	}
	var waiting []string
	for _, env := range cfg.Environments {
		has, known := before[env.Name]
		comes := !known || has.Account != "" && (has.Account != env.Account || has.Region != env.Region)
		if !plan.RequiresApproval(env) && (has.Approval || comes && (guarded[env.Account] || guarded[anyAccount])) {
			waiting = append(waiting, env.Name)
		}
	}
	return waiting
}

// hold returns the input with the environments that wait for an approval because of what came before.
func (in Input) hold(frame stage.Frame, cfg *config.Config, stored map[string]stage.Deployed) Input {
	if waiting := kept(cfg, in.known(stored)); len(waiting) > 0 {
		in.Held = append(slices.Clone(in.Held), waiting...)
		frame.Log.Warn("environments wait for an approval that the commit does not declare: they, or another environment of their account, required one, until a person approves a deployment without it",
			"environments", strings.Join(waiting, ", "))
	}
	return in
}

// keepApprovals stores which environments wait for an approval, before the commit changes
// the pipeline: the next commit finds them also if nothing is deployed until then. Only a
// deployment takes an approval away, once a person approved it.
func (d Deps) keepApprovals(ctx context.Context, in Input, cfg *config.Config, stored map[string]stage.Deployed) error {
	if stored == nil { // outside of a run
		return nil
	}
	store, gates, before := inventory.Store{Bucket: d.Bucket}, in.gatesOf(cfg), in.known(stored)
	names := slices.Clone(gates)
	for _, env := range cfg.Environments {
		names = append(names, env.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		env, _ := cfg.Environment(name) // none, if the commit drops it
		at := stage.Deployed{
			Account: cmp.Or(before[name].Account, env.Account), Region: cmp.Or(before[name].Region, env.Region), Approval: slices.Contains(gates, name),
		}
		if err := store.KeepApproval(ctx, name, at, stored[name]); err != nil {
			return err
		}
	}
	return nil
}
