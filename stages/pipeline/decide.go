package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// ask stores what the gates of the environments of the run look at, if it has any.
func (d Deps) ask(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, waiting []string) error {
	if !in.Asks || d.Bucket == nil || frame.Workflow == "" {
		return nil
	}
	approvals := slices.DeleteFunc(slices.Clone(waiting), func(name string) bool { return !slices.Contains(in.Environments, name) })
	if len(approvals) == 0 && !slices.ContainsFunc(cfg.Environments, config.Environment.Waits) {
		return nil
	}
	source, err := d.configuration(ctx, frame, in)
	if err != nil {
		return err
	}
	return gate.Store{Bucket: d.Bucket}.Ask(ctx, frame.Workflow, gate.Asked{Commit: in.Commit, Config: string(source), Approvals: approvals})
}

// decide stores that a person approves or rejects the deployment of another run to environments.
// The other run must ask for that, and deploy the commit of this one.
func (d Deps) decide(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, chosen []config.Environment) (Output, error) {
	rejects := plan.Purpose(in.Purpose) == plan.ToReject
	if rejects && strings.TrimSpace(in.Reason) == "" {
		return Output{}, errs.Invalidf("there is no reason for the rejection").WithHint("pass --reason")
	}
	if err := d.checkAsked(ctx, in, chosen); err != nil {
		return Output{}, err
	}
	at, err := in.created()
	if err != nil {
		return Output{}, err
	}
	out := in.nothing()
	if out.Attested, err = d.attested(ctx, in, cfg); err != nil {
		return Output{}, err
	}
	for _, env := range chosen {
		one := gate.Decision{Run: in.Target, Environment: env.Name, Reject: rejects, By: in.Pusher, Attested: out.Attested, Why: in.Reason, At: at}
		if err := (gate.Store{Bucket: d.Bucket}).Decide(ctx, one); err != nil {
			return Output{}, err
		}
		frame.Log.Info("a person decided about a deployment", "run", in.Target, "environment", env.Name, "decision", one.String())
	}
	return out, nil
}

// checkAsked checks that the run that a person decides about asks for that.
func (d Deps) checkAsked(ctx context.Context, in Input, chosen []config.Environment) error {
	if in.Pusher == "" {
		return errs.Invalidf("no person is named who decides").WithHint("generator approve and reject name the user")
	}
	ended, err := d.ended(ctx, in.Target)
	if err != nil {
		return err
	}
	if ended {
		return errs.Failedf("run %s has ended", in.Target).WithHint("generator retry %s asks again", in.Target)
	}
	asked, err := gate.Store{Bucket: d.Bucket}.Asked(ctx, in.Target)
	if err != nil {
		return err
	}
	for _, env := range chosen {
		if !asked.Requires(env.Name) {
			return errs.Failedf("run %s asks for no approval of environment %s", in.Target, env.Name).
				WithHint("generator status lists what waits; a run asks once its pipeline step has ended")
		}
	}
	if asked != nil && asked.Commit != in.Commit {
		return errs.Invalidf("run %s deploys commit %s, not %s", in.Target, asked.Commit, in.Commit).WithHint("generator approve finds the commit of a run")
	}
	return nil
}

// created returns the time of the run, which the API server of a cluster sets: a run that somebody
// executes again renews no decision.
func (in Input) created() (time.Time, error) {
	if in.Created == "" {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	at, err := time.Parse(time.RFC3339, in.Created)
	if err != nil {
		return at, errs.Invalidf("reading --created: %w", err)
	}
	return at.UTC(), nil
}
