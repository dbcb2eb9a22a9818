package deploy

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// keep selects the stacks that the plan has a change set for. Stacks that wait in
// the plan, and stacks that depend on these, are left out. A nil plan keeps all.
func keep(p *planned.Plan, targets []target, nodes []schedule.Node) (kept []target, order []schedule.Node, left []Result, err error) {
	if p == nil {
		return targets, nodes, nil, nil
	}
	byName := byNames(targets)
	for _, s := range p.Stacks {
		t, found := byName[s.Stack]
		if s.Removed() {
			continue
		}
		if !found || t.stack.Name != s.Name || t.region != s.Region {
			return nil, nil, nil, errs.Invalidf("the plan has a stack %s (%s in %s), but this commit has no such stack", s.Stack, s.Name, s.Region).
				WithHint("plan again")
		}
	}
	wanted := map[string]bool{}
	for _, s := range p.Stacks {
		wanted[s.Stack] = s.Executable()
	}
	for range nodes { // leave out what depends on a stack that is left out
		for _, node := range nodes {
			if slices.ContainsFunc(node.After, func(need string) bool { ok, planned := wanted[need]; return planned && !ok }) {
				wanted[node.Name] = false
			}
		}
	}
	for i, t := range targets {
		if _, planned := p.Stack(t.name); !planned {
			continue
		}
		if wanted[t.name] {
			kept, order = append(kept, t), append(order, nodes[i])
			continue
		}
		left = append(left, Result{Stack: t.name, Name: t.stack.Name, Region: t.region, State: schedule.Skipped, Because: "the plan could not prepare it"})
	}
	return kept, order, left, nil
}

// prescribe returns what the plan allows a deployment to do with a stack. Nil allows everything.
func prescribe(p *planned.Plan, name string) *cfn.Prescribed {
	if p == nil {
		return nil
	}
	s, _ := p.Stack(name)
	return &cfn.Prescribed{Digest: s.Digest, ChangeSet: s.ChangeSet, Unchanged: s.Intent == planned.WillKeep}
}

// notPlanned warns about the stacks that the plan does not cover.
func notPlanned(left []Result, log *slog.Logger) []Result {
	var names []string
	for _, r := range left {
		names = append(names, r.Stack)
	}
	if len(left) > 0 {
		log.Warn("the plan does not cover all stacks; plan again for the remaining ones", "left", strings.Join(names, ", "))
	}
	return left
}
