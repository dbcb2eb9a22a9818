package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	osuser "os/user"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/history"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/steer"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// steerFlags are the flags of the verbs that start runs of what was built before.
type steerFlags struct {
	historyFlags
	Source string `help:"With --state: folder of the git repository." default:"." type:"path" placeholder:"DIR"`
	Reason string `short:"m" help:"Why; the record of the run keeps it." placeholder:"TEXT"`
	Watch  bool   `help:"Wait until the run ends, and fail if it does."`
	Yes    bool   `short:"y" help:"Start the run without asking for confirmation. In a local run, also approve what requires approval."`
}

// Validate refuses a reason that is not a short line of text.
func (f steerFlags) Validate() error {
	return steer.CheckReason("--reason", f.Reason)
}

// pipeline is where runs are started: in a cluster, or on this machine.
type pipeline struct {
	steer.Source
	target *install.Target // nil on this machine
	by     string
}

// open opens the pipeline that the flags name.
func (f steerFlags) open(ctx context.Context) (p pipeline, err error) {
	if f.State != "" {
		return f.openLocal(ctx)
	}
	target, _, err := f.clusterFlags.open(ctx)
	if err != nil {
		return p, err
	}
	if err := target.Adopt(ctx); err != nil {
		return p, err
	}
	if p.by, err = target.Cluster.User(ctx); err != nil {
		return p, err
	}
	artifacts, err := clients.BucketIn(ctx, target.Place.Region, cmp.Or(f.Bucket, target.Place.Bucket))
	p.target, p.Source = &target, steer.Source{Bucket: artifacts, Environments: target.Config.EnvironmentNames(), Prefix: target.Config.WorkflowNamePrefix}
	return p, err
}

func (f steerFlags) openLocal(ctx context.Context) (p pipeline, err error) {
	artifacts, _, err := pipelinerun.Records(f.State)
	if err != nil {
		return p, err
	}
	src, err := source.Open(ctx, f.Source)
	if err != nil {
		return p, err
	}
	cfg, _, err := src.Config(f.Config)
	if err != nil {
		return p, err
	}
	me, err := osuser.Current()
	if err != nil {
		return p, fmt.Errorf("reading the name of this user: %w", err)
	}
	return pipeline{Source: steer.Source{Bucket: artifacts, Environments: cfg.EnvironmentNames(), Prefix: cfg.WorkflowNamePrefix}, by: me.Username}, nil
}

// begun is what the verbs print: the run, and what it deploys.
type begun struct {
	Run          string       `json:"run"`
	Purpose      plan.Purpose `json:"purpose"`
	Commit       string       `json:"commit"`
	Environments []string     `json:"environments,omitempty"`
	Has          string       `json:"has,omitempty"`     // commit that the environment had before
	Because      string       `json:"because,omitempty"` // run that proved the commit, or that is retried
	By           string       `json:"by"`
	Reason       string       `json:"reason,omitempty"`
}

// run finds what a person asks for, and starts it.
func (f steerFlags) run(ctx context.Context, std stdio.Streams, raw stdio.Raw, find func(context.Context, steer.Source) (steer.Found, error)) error {
	p, err := f.open(ctx)
	if err != nil {
		return err
	}
	found, err := find(ctx, p.Source)
	if err != nil {
		return err
	}
	found.By, found.Reason = p.by, f.Reason
	fmt.Fprintln(std.Err, described(found))
	if err := std.Ask(ctx, "\nContinue?", "no run was started", f.Yes); err != nil {
		return err
	}
	if p.target == nil {
		return f.runLocally(ctx, raw, found)
	}
	run, err := p.target.Start(ctx, found.Asked, found.Number, func(number int) string { return p.Name(found.Asked, number) })
	if err != nil {
		return err
	}
	out := begun{run, found.Purpose, found.Commit, found.Environments, found.Has, found.Because, found.By, found.Reason}
	if f.JSON {
		err = raw.PrintJSON(out)
	} else {
		_, err = fmt.Fprintln(std.Out, run)
	}
	if err != nil {
		return errs.Writing("standard output", err)
	}
	if !f.Watch {
		fmt.Fprintf(std.Err, "generator logs %s --follow; generator show %s\n", run, run)
		return nil
	}
	return await(ctx, p.Bucket, run)
}

// described says what a run deploys where.
func described(found steer.Found) string {
	text := string(found.Purpose)
	if len(found.Environments) > 0 {
		text += " of " + strings.Join(found.Environments, ", ")
	}
	if found.Has != "" && found.Has != found.Commit {
		text += ": from commit " + found.Has + " to " + found.Commit
	} else {
		text += ": commit " + found.Commit
	}
	if found.Because != "" {
		text += ", of run " + found.Because
	}
	return text
}

func (f steerFlags) runLocally(ctx context.Context, raw stdio.Raw, found steer.Found) error {
	if found.Purpose.Builds() {
		return errs.Invalidf("the run ended before its environments; a local run builds the last commit").WithHint("generator run --source %s", f.Source)
	}
	return pipelinerun.Run(ctx, pipelinerun.Options{
		Source: f.Source, Config: f.Config, State: f.State, Account: f.Account, Region: f.Region, AWS: "simulator", Yes: f.Yes, Asked: &found.Asked,
		In: raw.In, Out: raw.Out, Err: raw.Err,
	})
}

// pollRecord is how often the record of a run is looked for.
const pollRecord = 2 * time.Second

// await waits for the record of a run. A run that did not succeed is an error.
func await(ctx context.Context, artifacts bucket.Bucket, run string) error {
	for {
		d, err := record.ReadRun(ctx, artifacts, run)
		switch {
		case err == nil && d.Status == "Succeeded":
			return nil
		case err == nil:
			return errs.Failedf("run %s ended: %s: %s", run, d.Status, d.Error).WithHint("%s", cmp.Or(d.Hint, "generator show "+run))
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollRecord):
		}
	}
}

// rollbackCmd goes back to a commit that was proven.
type rollbackCmd struct {
	steerFlags
	Environment string `arg:"" help:"Environment to roll back."`
	To          string `help:"Commit to go back to, or its first digits (default: the last one that was proven there before the present one)." placeholder:"COMMIT"`
}

// Help returns the details and examples of the verb.
func (rollbackCmd) Help() string {
	return `Deploys the last artifact that was proven in the environment before the present one: a run deployed it there, and
its tests passed. Nothing is built, and nothing of the pipeline changes; approvals of the environment are waited
for. The commit that is rolled back is refused there until a newer one is pushed; "generator redeploy" brings it
back.

The run is one of the installed pipeline, with its record: who asked for it, and why. You need permission to read
the artifact bucket, and to create Workflows in the cluster. It waits for a deployment there that has begun.

Examples:

  generator rollback prod --reason "checkout fails, ticket 4711"
  generator rollback prod --to 3f2a9c1 --yes --watch
  generator rollback dev --state .aphex          # of local runs`
}

// Run starts the rollback.
func (c rollbackCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, func(ctx context.Context, s steer.Source) (steer.Found, error) {
		return s.RollBack(ctx, c.Environment, c.To)
	})
}

// redeployCmd deploys again what an environment has.
type redeployCmd struct {
	steerFlags
	Environment string `arg:"" help:"Environment to deploy to."`
	Commit      string `help:"The commit that was rolled back there, or its first digits, to bring it back (default: the one that the environment has)." placeholder:"COMMIT"`
}

// Help returns the details and examples of the verb.
func (redeployCmd) Help() string {
	return `Deploys to an environment the commit that it has once more, with the artifact of then: after a failure without a
cause in the commit, or after changes by hand. With --commit it brings back a commit that was rolled back.

Examples:

  generator redeploy dev
  generator redeploy prod --commit 3f2a9c1 --reason "the database is up again"`
}

// Run starts the deployment.
func (c redeployCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, func(ctx context.Context, s steer.Source) (steer.Found, error) {
		return s.Redeploy(ctx, c.Environment, c.Commit)
	})
}

// promoteCmd deploys to one environment what another one has.
type promoteCmd struct {
	steerFlags
	From string `arg:"" help:"Environment that has the commit; its tests there passed."`
	To   string `arg:"" help:"Environment to deploy it to."`
}

// Help returns the details and examples of the verb.
func (promoteCmd) Help() string {
	return `Deploys to an environment the commit that another one has, with the same artifact. The commit must be proven in the
environments that the other follows, and newer than what it has; approvals are waited for.

Example:

  generator promote dev prod`
}

// Run starts the promotion.
func (c promoteCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, func(ctx context.Context, s steer.Source) (steer.Found, error) {
		return s.Promote(ctx, c.From, c.To)
	})
}

// retryCmd deploys what a run did not get to.
type retryCmd struct {
	steerFlags
	Of          string `arg:"" name:"run" help:"Run that ended: its name, or the beginning of its name or commit."`
	Environment string `short:"e" help:"Only this environment (default: all that the run did not deploy to, or whose tests failed)." placeholder:"NAME"`
}

// Help returns the details and examples of the verb.
func (retryCmd) Help() string {
	return `Starts a run of the same commit for the environments that a run did not get to, with the artifact that it built. A
run that ended before its environments starts from its beginning.

Examples:

  generator retry 3f2a9c1
  generator retry shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d --environment prod`
}

// Run starts the retry.
func (c retryCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, func(ctx context.Context, s steer.Source) (steer.Found, error) {
		run, _, err := history.Source{Bucket: s.Bucket}.Find(ctx, c.Of)
		if err != nil {
			return steer.Found{}, err
		}
		return s.Retry(ctx, run, c.Environment)
	})
}

// startCmd starts the run of a push.
type startCmd struct {
	steerFlags
	Commit string `help:"Full commit SHA; it must be on the branch of the pipeline (default: the last commit of this folder)." placeholder:"SHA"`
}

// Validate refuses what is no commit, and local runs.
func (c startCmd) Validate() error {
	if c.State != "" {
		return errs.Invalidf("start is for a cluster").WithHint("generator run runs the last commit on this machine")
	}
	if c.Commit == "" {
		return nil
	}
	return checkout.CheckCommit(c.Commit)
}

// Help returns the details and examples of the verb.
func (startCmd) Help() string {
	return `Starts the run that a push of the commit would have started, if its delivery was lost or refused. A commit that
had its run gets another one, from its beginning. A run never deploys an older commit over a newer one.

Examples:

  generator start
  generator start --commit 3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d8e7f6a5b --watch`
}

// Run starts the run.
func (c startCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	commit := c.Commit
	if commit == "" {
		var err error
		if commit, err = source.Head(c.Source); err != nil {
			return err
		}
	}
	return c.run(ctx, std, raw, func(ctx context.Context, s steer.Source) (steer.Found, error) { return s.Start(ctx, commit) })
}
