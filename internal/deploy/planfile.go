package deploy

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Write writes the plan's JSON form to a file.
func (p *Plan) Write(path string) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the plan: %w", err)
	}
	return errs.Writing(path, os.WriteFile(path, append(data, '\n'), 0o644))
}

// maxPlan is the size limit of a plan in bytes.
const maxPlan = 64 << 20

// ReadPlan reads a plan to execute. A plan of another environment or commit is an
// error.
func ReadPlan(path, environment, commit string) (*Plan, error) {
	data, err := limits.ReadFile(path, maxPlan)
	if err != nil {
		return nil, errs.Invalidf("reading the plan: %w", err)
	}
	plan := &Plan{}
	if err := json.Unmarshal(data, plan); err != nil {
		return nil, errs.Invalidf("%s is not a plan: %w", path, err).WithHint("create one with --plan-file")
	}
	switch {
	case plan.Version != PlanVersion:
		return nil, errs.Invalidf("%s is a plan of version %d, but this program reads version %d", path, plan.Version, PlanVersion).
			WithHint("plan again with this version of the program")
	case plan.Environment != environment:
		return nil, errs.Invalidf("%s is a plan for environment %s, not %s", path, plan.Environment, environment)
	case plan.Commit != commit:
		return nil, errs.Invalidf("%s is a plan of commit %s, not %s", path, plan.Commit, commit).WithHint("plan again, from the commit to be deployed")
	}
	return plan, nil
}

func (p *Plan) stack(name string) (PlannedStack, bool) {
	at := slices.IndexFunc(p.Stacks, func(s PlannedStack) bool { return s.Stack == name })
	if at < 0 {
		return PlannedStack{}, false
	}
	return p.Stacks[at], true
}

// keep selects the stacks that the plan has a change set for. Stacks that wait in
// the plan, and stacks that depend on these, are left out. A nil plan keeps all.
func (p *Plan) keep(targets []target, nodes []schedule.Node) (kept []target, order []schedule.Node, left []Result, err error) {
	if p == nil {
		return targets, nodes, nil, nil
	}
	byName := byNames(targets)
	for _, s := range p.Stacks {
		t, found := byName[s.Stack]
		if !found || t.stack.Name != s.Name || t.region != s.Region {
			return nil, nil, nil, errs.Invalidf("the plan has a stack %s (%s in %s), but this commit has no such stack", s.Stack, s.Name, s.Region).
				WithHint("plan again")
		}
	}
	wanted := map[string]bool{}
	for _, s := range p.Stacks {
		wanted[s.Stack] = s.executable()
	}
	for range nodes { // leave out what depends on a stack that is left out
		for _, node := range nodes {
			if slices.ContainsFunc(node.After, func(need string) bool { ok, planned := wanted[need]; return planned && !ok }) {
				wanted[node.Name] = false
			}
		}
	}
	for i, t := range targets {
		if _, planned := p.stack(t.name); !planned {
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
func (p *Plan) prescribe(name string) *cfn.Prescribed {
	if p == nil {
		return nil
	}
	s, _ := p.stack(name)
	return &cfn.Prescribed{Digest: s.Digest, ChangeSet: s.ChangeSet, Unchanged: s.Intent == WillKeep}
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
