package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// again lets a run deploy what an earlier run built, to the environments that a person asked
// for. It changes nothing of the pipeline, which stays that of the newest commit. What the
// person may have is decided here, from what runs stored: the parameters of the run are no
// more than a wish.
func (d Deps) again(ctx context.Context, frame stage.Frame, in Input) (Output, error) {
	if in.Artifact != bucket.ArtifactKey(in.Commit, in.Digest) {
		return Output{}, errs.Invalidf("%q is no artifact of commit %s with the digest %s", in.Artifact, in.Commit, in.Digest).
			WithHint("generator rollback, redeploy, promote and retry find the artifact of a commit")
	}
	if in.ConfigDigest == "" {
		return Output{}, errs.Invalidf("the run does not say which configuration the validation of commit %s read", in.Commit).WithHint("pass --config-digest")
	}
	cfg, _, err := d.declared(ctx, frame, in)
	if err != nil {
		return Output{}, err
	}
	chosen, err := in.chosen(cfg)
	if err != nil {
		return Output{}, err
	}
	switch purpose := plan.Purpose(in.Purpose); {
	case purpose.Decides():
		return d.decide(ctx, frame, in, cfg, chosen)
	case !purpose.Deploys():
		return d.override(ctx, frame, in, cfg, chosen)
	}
	stored, err := d.stored(ctx, in)
	if err != nil {
		return Output{}, err
	}
	for _, env := range chosen {
		if err := d.permit(ctx, frame, in, cfg, env, stored[env.Name]); err != nil {
			return Output{}, err
		}
	}
	in.Held = append(slices.Clone(in.Held), kept(cfg, in.known(stored))...)
	approved, err := d.approved(ctx, frame, cfg)
	if err != nil {
		return Output{}, err
	}
	for _, env := range chosen {
		if _, found := approved.Environment(env.Name); !found {
			return Output{}, errs.Invalidf("no person approved that the pipeline accesses account %s of environment %s", env.Account, env.Name).WithHint("%s", plan.ApproveFix)
		}
	}
	out := in.conclude(frame, cfg, Output{Result: Unchanged, Changes: []manifest.Change{}, Undeployed: []string{}, Removed: []stage.RemovedStack{}})
	if out.Attested, err = d.attested(ctx, in, cfg); err != nil {
		return Output{}, err
	}
	left := slices.DeleteFunc(slices.Clone(in.Environments), func(name string) bool {
		return slices.ContainsFunc(chosen, func(env config.Environment) bool { return env.Name == name })
	})
	out.LeftOut, out.Unreached = plan.List(left), []string{}
	waiting := without(in.gatesOf(cfg), left)
	out.NoApproval = plan.OpenIn(in.Environments, waiting)
	if err := d.ask(ctx, frame, in, cfg, waiting); err != nil {
		return Output{}, err
	}
	frame.Log.Info("deploying what an earlier run built", "purpose", in.Purpose, "commit", in.Commit, "environments", plan.List(namesOf(chosen)), "by", in.Pusher, "attested", out.Attested)
	return out, nil
}

func without(names, others []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(others, name) })
}

func namesOf(environments []config.Environment) (names []string) {
	for _, env := range environments {
		names = append(names, env.Name)
	}
	return names
}

// chosen returns the environments that a person asked for. The template of the run and the
// commit must have them.
func (in Input) chosen(cfg *config.Config) (chosen []config.Environment, err error) {
	wanted := slices.DeleteFunc(slices.Clone(in.Only), func(name string) bool { return name == "" })
	if len(wanted) == 0 {
		return nil, errs.Invalidf("the run names no environment").WithHint("pass --only")
	}
	for _, name := range wanted {
		env, found := cfg.Environment(name)
		if !found {
			return nil, errs.Invalidf("commit %s does not have the environment %s: %w", in.Commit, name, cfg.NoEnvironment(name)).
				WithHint("its environments are %s", strings.Join(cfg.EnvironmentNames(), ", "))
		}
		if !slices.Contains(in.Environments, name) {
			return nil, errs.Invalidf("the installed pipeline does not have the environment %s", name).
				WithHint("it has %s", strings.Join(in.Environments, ", "))
		}
		chosen = append(chosen, env)
	}
	return chosen, nil
}

// permit decides whether a person may have the commit of the run in an environment. Only a
// rollback deploys an older commit than the environment has, and only one that was proven
// there; only a redeployment brings back one that was rolled back.
func (d Deps) permit(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, env config.Environment, has stage.Deployed) error {
	switch purpose := plan.Purpose(in.Purpose); {
	case purpose == plan.ToRollBack:
		return d.permitBack(ctx, in, env.Name, has)
	case purpose == plan.ToRedeploy && in.Commit != has.Commit && in.Commit != has.Refused:
		return errs.Failedf("environment %s has commit %s, not %s", env.Name, has.Commit, in.Commit).
			WithHint("redeploy deploys again what an environment has, or what was rolled back there; to deploy another commit: generator promote or generator rollback")
	case purpose == plan.ToRedeploy:
		return nil
	}
	if err := in.checkRefused(map[string]stage.Deployed{env.Name: has}); err != nil {
		return err
	}
	if newest := newestOf(has); newest != "" && d.Order != nil && in.Repository != "" {
		order, err := d.Order(ctx, frame, in, newest)
		if err != nil {
			return fmt.Errorf("comparing commit %s with %s, which environment %s has: %w", in.Commit, newest, env.Name, err)
		}
		if has.Refused != "" && order == checkout.Same {
			order = checkout.Before
		}
		if err := in.follows(frame, order, env.Name, has, cfg.AllowForcePush); err != nil {
			return err
		}
	}
	for _, earlier := range env.After {
		if slices.Contains(in.Only, earlier) {
			continue
		}
		if proven, err := d.Proven(ctx, in.Commit, earlier); err != nil || !proven {
			return unproven(err, in.Commit, earlier, "environment "+env.Name+" follows it")
		}
	}
	return nil
}

// permitBack decides about a rollback.
func (d Deps) permitBack(ctx context.Context, in Input, environment string, has stage.Deployed) error {
	switch in.Commit {
	case has.Commit:
		return errs.Failedf("environment %s has commit %s already, by run %s", environment, has.Commit, has.Run).
			WithHint("to deploy it again: generator redeploy %s", environment)
	case has.Refused:
		return errs.Failedf("commit %s was rolled back in environment %s", in.Commit, environment).
			WithHint("to deploy it regardless: generator redeploy %s --commit %s", environment, in.Commit)
	}
	if proven, err := d.Proven(ctx, in.Commit, environment); err != nil || !proven {
		return unproven(err, in.Commit, environment, "a rollback goes back to a commit that was")
	}
	return nil
}

func unproven(err error, commit, environment, why string) error {
	if err != nil {
		return fmt.Errorf("reading whether commit %s was proven in environment %s: %w", commit, environment, err)
	}
	return errs.Failedf("commit %s was not proven in environment %s: no run deployed it there with tests that passed, and %s", commit, environment, why).
		WithHint("generator history --environment %s lists what was deployed", environment)
}

// attested reports whether the API server vouches for who asked for the run.
func (d Deps) attested(ctx context.Context, in Input, cfg *config.Config) (bool, error) {
	if in.Purpose == "" || d.Attests == nil {
		return false, nil
	}
	attested, err := d.Attests(ctx, cfg)
	if err != nil {
		return false, fmt.Errorf("asking the cluster whether it compares names with users: %w", err)
	}
	return attested, nil
}
