package pipelinerun

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
)

// checkChoice refuses environments and steps that the commit does not have.
func (o Options) checkChoice(cfg *config.Config) error {
	names := cfg.EnvironmentNames()
	for _, name := range o.Only {
		if !slices.Contains(names, name) {
			return errs.Invalidf("--only %q: the commit has no such environment", name).WithHint("its environments are %s", strings.Join(names, ", "))
		}
	}
	if o.From == "" || startOf(cfg, o.From) != "" {
		return nil
	}
	var steps []string
	for _, name := range names {
		steps = append(steps, plan.Deploy(name))
	}
	return errs.Invalidf("--from %q: a run goes on at the deployment of an environment", o.From).
		WithHint("pass one of %s; a run without --from begins with %s", strings.Join(steps, ", "), plan.Validate)
}

// startOf returns the environment of a step, or "".
func startOf(cfg *config.Config, step string) string {
	for _, name := range cfg.EnvironmentNames() {
		if step == plan.Deploy(name) || step == plan.Wait(name) || step == plan.Test(name) {
			return name
		}
	}
	return ""
}

// leftOut returns which tasks the run leaves out: those of the environments that it leaves
// out.
func (l *localRun) leftOut() func(task string) bool {
	left := l.excluded()
	return func(task string) bool { return slices.Contains(left, startOf(l.cfg, task)) }
}

// excluded returns the environments that the run leaves out: those that it does not deploy,
// and, if it goes on at one, those that this one follows.
func (l *localRun) excluded() (left []string) {
	earlier, only := map[string]bool{}, l.Only
	if l.Asked != nil {
		only = l.Asked.Environments
	}
	if start := startOf(l.cfg, l.From); start != "" {
		earlier = before(l.cfg, start)
	}
	for _, env := range l.cfg.Environments {
		if earlier[env.Name] || len(only) > 0 && !slices.Contains(only, env.Name) {
			left = append(left, env.Name)
		}
	}
	return left
}

// before returns the environments that one follows, directly or not.
func before(cfg *config.Config, environment string) map[string]bool {
	found := map[string]bool{}
	for again := []string{environment}; len(again) > 0; again = again[1:] {
		for _, env := range cfg.Environments {
			for _, earlier := range env.After {
				if env.Name == again[0] && !found[earlier] {
					found[earlier] = true
					again = append(again, earlier)
				}
			}
		}
	}
	return found
}

// built is what a run can go on with: the artifact of its commit, after the pipeline step
// has checked all environments.
type built struct {
	Commit   string         `json:"commit"`
	Config   string         `json:"config"`
	Origin   string         `json:"origin"` // run that made the artifact
	Handover stage.Handover `json:"handover"`
}

const builtFile = "built.json"

// remember keeps what a later run can go on with, and forgets it at the start of a run.
func (l *localRun) remember(first localrun.Result, handover *stage.Handover) error {
	b := built{Commit: l.src.Commit, Config: l.Config, Origin: first.Name}
	for _, step := range first.Steps {
		switch step.Name {
		case plan.Validate:
			b.Handover.ConfigDigest = step.Outputs[stages.Output("config-digest")]
		case plan.Build:
			b.Handover.Artifact, b.Handover.Digest = step.Outputs[artifactOutput], step.Outputs[stages.Output("digest")]
		case plan.Pipeline:
			if step.Status != localrun.Succeeded {
				return nil
			}
		}
	}
	for _, env := range l.cfg.Environments {
		if plan.RequiresApproval(env) {
			b.Handover.Gates += " " + env.Name
		}
	}
	b.Handover.Gates = strings.TrimSpace(b.Handover.Gates)
	if handover != nil {
		b.Handover = *handover
	}
	if b.Handover.Artifact == "" {
		return nil
	}
	return l.state.Keep(builtFile, b)
}

// resumable returns the step at which a run can go on after a failure, or "".
func (l *localRun) resumable(result localrun.Result) string {
	cause := causeOf(result)
	if cause == nil || startOf(l.cfg, cause.step) == "" {
		return ""
	}
	if _, err := l.recall(); err != nil {
		return ""
	}
	return plan.Deploy(startOf(l.cfg, cause.step))
}

// recall returns what the last run built, if that was this commit.
func (l *localRun) recall() (built, error) {
	var b built
	const hint = "run without --from; a run goes on with the artifact of the last one, of the same commit and configuration, whose step %q succeeded"
	if !l.state.Kept(builtFile, &b) || b.Handover.Artifact == "" {
		return b, errs.Invalidf("--from %s: no run before has an artifact to go on with", l.From).WithHint(hint, plan.Pipeline)
	}
	if b.Commit != l.src.Commit || b.Config != l.Config {
		return b, errs.Invalidf("--from %s: the last run built %.10s (%s), and this is %.10s (%s)", l.From, b.Commit, b.Config, l.src.Commit, l.Config).WithHint(hint, plan.Pipeline)
	}
	return b, nil
}
