package steer

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
)

// RollbackVerb goes back to a commit that was proven.
type RollbackVerb struct {
	RunFlags
	Environment string `arg:"" help:"Environment to roll back."`
	To          string `help:"Commit to go back to, or its first digits (default: the last one that was proven there before the present one)." placeholder:"COMMIT"`
}

// Help returns the details and examples of the verb.
func (RollbackVerb) Help() string {
	return `Deploys the last artifact that was proven in the environment before the present one: a run deployed it there, and
its tests passed. Nothing is built, the pipeline does not change, and approvals of the environment apply. The commit
that is rolled back is refused there until a newer one is pushed; "generator redeploy" brings it back.

The run is one of the installed pipeline, with its record: who asked for it, and why. You need permission to read
the artifact bucket, and to create Workflows in the cluster. It waits for a deployment in progress there.

Examples:

  generator rollback prod --reason "checkout fails, ticket 4711"
  generator rollback prod --to 3f2a9c1 --yes --watch
  generator rollback dev --state .aphex          # of local runs`
}

// Run starts the rollback.
func (v RollbackVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Find)
}

// Find finds what is deployed.
func (v RollbackVerb) Find(ctx context.Context, s Source) (Found, error) {
	return s.RollBack(ctx, v.Environment, v.To)
}

// RedeployVerb deploys again what an environment has.
type RedeployVerb struct {
	RunFlags
	Environment string `arg:"" help:"Environment to deploy to."`
	Commit      string `help:"The commit that was rolled back there, or its first digits, to bring it back (default: the one that the environment has)." placeholder:"COMMIT"`
}

// Help returns the details and examples of the verb.
func (RedeployVerb) Help() string {
	return `Deploys the commit of an environment again, from the same artifact: after a failure that the commit did not cause,
or after changes by hand. With --commit it brings back a commit that was rolled back.

Examples:

  generator redeploy dev
  generator redeploy prod --commit 3f2a9c1 --reason "the database is up again"`
}

// Run starts the deployment.
func (v RedeployVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Find)
}

// Find finds what is deployed.
func (v RedeployVerb) Find(ctx context.Context, s Source) (Found, error) {
	return s.Redeploy(ctx, v.Environment, v.Commit)
}

// PromoteVerb deploys to one environment what another one has.
type PromoteVerb struct {
	RunFlags
	From string `arg:"" help:"Environment that has the commit; its tests there passed."`
	To   string `arg:"" help:"Environment to deploy it to."`
}

// Help returns the details and examples of the verb.
func (PromoteVerb) Help() string {
	return `Deploys the commit of one environment to another, from the same artifact. The commit must be proven in the
environments that the other one follows, and newer than the commit there. Approvals apply.

Example:

  generator promote dev prod`
}

// Run starts the promotion.
func (v PromoteVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Find)
}

// Find finds what is deployed.
func (v PromoteVerb) Find(ctx context.Context, s Source) (Found, error) {
	return s.Promote(ctx, v.From, v.To)
}

// RetryVerb deploys to the environments that a run did not reach.
type RetryVerb struct {
	RunFlags
	Of          string `arg:"" name:"run" help:"Run that ended: its name, or the beginning of its name or commit."`
	Environment string `short:"e" help:"Only this environment (default: all that the run did not deploy to, or whose tests failed)." placeholder:"NAME"`
}

// Help returns the details and examples of the verb.
func (RetryVerb) Help() string {
	return `Starts a run of the same commit for the environments that a run did not reach, from the artifact that it built. A
run that ended before its environments starts over.

Examples:

  generator retry 3f2a9c1
  generator retry shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d --environment prod`
}

// Run starts the retry.
func (v RetryVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Find)
}

// Find finds the run, and what it did not get to.
func (v RetryVerb) Find(ctx context.Context, s Source) (Found, error) {
	run, _, err := history.Source{Bucket: s.Bucket}.Find(ctx, v.Of)
	if err != nil {
		return Found{}, err
	}
	return s.Retry(ctx, run, v.Environment)
}

// StartVerb starts the run of a push.
type StartVerb struct {
	RunFlags
	Commit string `help:"Full commit SHA; it must be on the branch of the pipeline (default: the last commit of this folder)." placeholder:"SHA"`
}

// Help returns the details and examples of the verb.
func (StartVerb) Help() string {
	return `Starts the run that a push of the commit would have started, if its delivery was lost or refused. A commit that
had its run gets another one, which starts over. A run never deploys an older commit over a newer one.

Examples:

  generator start
  generator start --commit 3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d8e7f6a5b --watch`
}

// Run starts the run.
func (v StartVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	if v.Commit == "" {
		var err error
		if v.Commit, err = source.Head(v.Source); err != nil {
			return err
		}
	}
	return v.run(ctx, std, raw, v.Find)
}

// Find finds what is deployed.
func (v StartVerb) Find(ctx context.Context, s Source) (Found, error) {
	return s.Start(ctx, v.Commit)
}

// Validate refuses what is no commit, and local runs.
func (v StartVerb) Validate() error {
	if v.State != "" {
		return errs.Invalidf("start is for a cluster").WithHint("generator run runs the last commit on this machine")
	}
	if v.Commit == "" {
		return v.RunFlags.Validate()
	}
	return errors.Join(v.RunFlags.Validate(), checkout.CheckCommit(v.Commit))
}
