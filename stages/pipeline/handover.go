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

// handOver starts the successor run if the commit declares another version of the
// template than the run's. It compares with the version of the run and not with
// what was just applied: the run may have been queued while another run applied
// the version. The successor's name is derived from the name of this run, so that
// a retried step never starts two.
func (d Deps) handOver(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, version string) (*stage.Handover, error) {
	if in.Template == "" || in.Template == version || in.Artifact == "" || frame.Workflow == "" {
		return nil, nil
	}
	if in.Origin != "" {
		frame.Log.Warn("the commit declares yet another pipeline version, but a run that was handed over does not hand over again: it continues, and the next run uses the new version",
			"run", frame.Workflow, "template", in.Template, "declared", version, "origin", in.Origin)
		return nil, nil
	}
	h := &stage.Handover{
		Run: plan.Successor(frame.Workflow), Template: version, Artifact: in.Artifact, Digest: in.Digest, ConfigDigest: in.ConfigDigest,
		Gates: strings.Join(in.gatesOf(cfg), " "),
	}
	started := true
	if d.Start != nil {
		workflow, err := argo.Resumed(cfg, in.Place(), frame.Workflow, *h, in.given())
		if err != nil {
			return nil, err
		}
		if started, err = d.Start(ctx, workflow); err != nil {
			return nil, fmt.Errorf("starting run %q: %w", h.Run, err)
		}
	}
	frame.Log.Info("the commit declares another pipeline version than this run's; a run of that version continues with the built workspace",
		"run", h.Run, "template", version, "started", started)
	return h, nil
}

// given returns the parameters of this run that every run has.
func (in Input) given() map[string]string {
	return map[string]string{
		plan.CommitSHA: in.Commit, plan.Branch: in.Branch, plan.RepoURL: in.Repository, plan.RepoName: in.RepoName, plan.Pusher: in.Pusher,
	}
}

// gatesOf lists the environments that wait for an approval: those declared by the
// run's template, by the commit, or held by what came before.
func (in Input) gatesOf(cfg *config.Config) []string {
	gates := slices.Concat(in.Gates, in.Held)
	for _, env := range cfg.Environments {
		if plan.RequiresApproval(env) {
			gates = append(gates, env.Name)
		}
	}
	slices.Sort(gates)
	return slices.DeleteFunc(slices.Compact(gates), func(name string) bool { return name == "" })
}

// conclude sets the environments that wait for an approval, and those of the
// commit that the run does not deploy.
func (in Input) conclude(frame stage.Frame, cfg *config.Config, out Output) Output {
	out.NoApproval = plan.OpenIn(in.Environments, in.gatesOf(cfg))
	out.LeftOut, out.Unreached = plan.List(nil), []string{}
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
