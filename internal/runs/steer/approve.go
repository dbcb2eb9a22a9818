package steer

import (
	"context"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// DecideFlags name the deployment that a person decides about.
type DecideFlags struct {
	RunFlags
	Target      string `arg:"" name:"run" help:"Run in progress: its name, or the beginning of its name or commit."`
	Environment string `short:"e" help:"Environment whose deployment is meant." required:"" placeholder:"NAME"`
}

// ApproveVerb approves a deployment.
type ApproveVerb struct{ DecideFlags }

// Help returns the details and examples of the verb.
func (ApproveVerb) Help() string {
	return `Lets a run that waits for an approval deploy to an environment. An approval is for one run and one environment, and
holds for six days. It may come before the run gets to the environment, once its pipeline step has ended.

In a cluster a run of its own stores the approval, so that the API server attests who gave it; the record of the run
that was approved says who, when and why. You need permission to read the artifact bucket, and to create Workflows.

Examples:

  generator approve 3f2a9c1 --environment prod
  generator approve shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d -e prod --why "ticket 4711" --yes --watch`
}

// Run starts the run that stores the approval, or stores that of a local run.
func (v ApproveVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.decide(ctx, std, raw, plan.ToApprove)
}

// RejectVerb rejects a deployment.
type RejectVerb struct{ DecideFlags }

// Help returns the details and examples of the verb.
func (RejectVerb) Help() string {
	return `Ends a run that waits for an approval before it deploys to an environment. Its record says who rejected it, and why.
A later "generator retry" asks for an approval again.

Example:

  generator reject 3f2a9c1 --environment prod --why "the migration is not announced"`
}

// Validate refuses a rejection without a reason.
func (v RejectVerb) Validate() error {
	if strings.TrimSpace(v.Reason) == "" {
		return errs.Invalidf("a rejection requires a reason").WithHint("pass --why")
	}
	return v.RunFlags.Validate()
}

// Run starts the run that stores the rejection, or stores that of a local run.
func (v RejectVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.decide(ctx, std, raw, plan.ToReject)
}

func (f DecideFlags) decide(ctx context.Context, std stdio.Streams, raw stdio.Raw, purpose plan.Purpose) error {
	if f.State == "" {
		return f.run(ctx, std, raw, func(ctx context.Context, s Source) (Found, error) { return f.Find(ctx, s, purpose) })
	}
	desk, closed, err := f.desk(ctx)
	if err != nil {
		return err
	}
	defer closed()
	decision, err := f.Do(ctx, desk, purpose)
	if err != nil {
		return err
	}
	return f.print(std, raw, decision, "run "+decision.Run+" in "+decision.Environment+": "+decision.String())
}

// Find finds the run in progress that a person decides about.
func (f DecideFlags) Find(ctx context.Context, s Source, purpose plan.Purpose) (Found, error) {
	if err := (Desk{Environments: s.Environments}).check(f.Environment); err != nil {
		return Found{}, err
	}
	running, err := s.Running(ctx)
	if err != nil {
		return Found{}, err
	}
	of, err := inProgress(running, f.Target)
	if err != nil {
		return Found{}, err
	}
	if err := checkAsked(ctx, gate.Store{Bucket: s.Bucket}, of.Run, f.Environment); err != nil {
		return Found{}, err
	}
	return s.about(ctx, of, argo.Asked{Purpose: purpose, Environments: []string{f.Environment}})
}

// Do stores the decision about a local run, which nobody attests.
func (f DecideFlags) Do(ctx context.Context, d Desk, purpose plan.Purpose) (decision gate.Decision, err error) {
	if err := d.check(f.Environment); err != nil {
		return decision, err
	}
	if !gate.IsRun(f.Target) {
		return decision, errs.Invalidf("%q is no name of a run", f.Target)
	}
	people := gate.Store{Bucket: d.Bucket}
	if err := checkAsked(ctx, people, f.Target, f.Environment); err != nil {
		return decision, err
	}
	decision = gate.Decision{
		Run: f.Target, Environment: f.Environment, Reject: purpose == plan.ToReject, By: d.By, Why: f.Reason, At: time.Now().UTC().Truncate(time.Second),
	}
	return decision, people.Decide(ctx, decision)
}

// checkAsked checks that a run asks for an approval of an environment.
func checkAsked(ctx context.Context, people gate.Store, run, environment string) error {
	asked, err := people.Asked(ctx, run)
	if err != nil || asked.Requires(environment) {
		return err
	}
	return errs.Failedf("run %s asks for no approval of environment %s", run, environment).
		WithHint("generator status lists what waits; a run asks once its pipeline step has ended. argo resume continues a run of an earlier version")
}
