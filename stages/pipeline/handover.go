package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// handOver starts the run that goes on in the place of this one, when this one is
// not of the version of the template that its commit declares. It compares with
// the version that the run is of, and not with what was applied a moment ago: a
// run may have waited in the queue while another brought the version. The name of
// the run that goes on follows from that of this one, so that a step that is
// tried again never starts two.
func (d Deps) handOver(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, version string) (*stage.Handover, error) {
	if in.Template == "" || in.Template == version || in.Artifact == "" || frame.Workflow == "" {
		return nil, nil
	}
	if in.Origin != "" {
		frame.Log.Warn("the commit's pipeline is another one again, and a run that was handed over does not hand over: it goes on, and the next run has the new pipeline",
			"run", frame.Workflow, "template", in.Template, "declared", version, "origin", in.Origin)
		return nil, nil
	}
	h := &stage.Handover{
		Run: plan.Successor(frame.Workflow), Template: version, Artifact: in.Artifact, Digest: in.Digest,
		Gates: strings.Join(in.gatesOf(cfg), " "),
	}
	started := true
	if d.Start != nil {
		workflow, err := argo.Resumed(cfg, in.place(), frame.Workflow, *h, in.given())
		if err != nil {
			return nil, err
		}
		if started, err = d.Start(ctx, workflow); err != nil {
			return nil, fmt.Errorf("starting run %q: %w", h.Run, err)
		}
	}
	frame.Log.Info("the commit declares another pipeline than this run is of; a run of that one goes on with what was built",
		"run", h.Run, "template", version, "started", started)
	return h, nil
}

// given are the parameters that every run has, as this one has them.
func (in Input) given() map[string]string {
	return map[string]string{
		plan.CommitSHA: in.Commit, plan.Branch: in.Branch, plan.RepoURL: in.Repository, plan.RepoName: in.RepoName, plan.Pusher: in.Pusher,
	}
}

// gatesOf lists the environments that wait for an approval: those for which the
// run was declared so, the commit asks so, or the run that handed over found so.
func (in Input) gatesOf(cfg *config.Config) []string {
	gates := slices.Concat(in.Gates, in.Held)
	for _, env := range cfg.Environments {
		if env.RequiresApproval {
			gates = append(gates, env.Name)
		}
	}
	slices.Sort(gates)
	return slices.DeleteFunc(slices.Compact(gates), func(name string) bool { return name == "" })
}

// conclude says which environments wait for an approval, and which of the commit
// the run does not reach.
func (in Input) conclude(frame stage.Frame, cfg *config.Config, out Output) Output {
	gates := in.gatesOf(cfg)
	out.NoApproval = ","
	for _, name := range in.Environments {
		if name != "" && !slices.Contains(gates, name) {
			out.NoApproval += name + ","
		}
	}
	out.Unreached = []string{}
	if out.Handover != nil || len(in.Environments) == 0 {
		return out
	}
	for _, env := range cfg.Environments {
		if !slices.Contains(in.Environments, env.Name) {
			out.Unreached = append(out.Unreached, env.Name)
		}
	}
	if len(out.Unreached) > 0 {
		frame.Log.Warn("this run does not deploy every environment of its commit", "environments", strings.Join(out.Unreached, ", "))
	}
	return out
}
