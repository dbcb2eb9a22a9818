package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	osuser "os/user"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
	"github.com/aphex/aphex-pipeline/internal/runs/steer"
)

// steerFlags are the flags of the verbs that start runs of what was built before.
type steerFlags struct {
	historyFlags
	Source string `help:"With --state: folder of the git repository." default:"." type:"path" placeholder:"DIR"`
	Reason string `short:"m" aliases:"why" help:"Why; the record of the run keeps it." placeholder:"TEXT"`
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
	p.target, p.Source = &target, steer.Source{
		Bucket: artifacts, Environments: target.Config.EnvironmentNames(), Prefix: target.Config.WorkflowNamePrefix,
		Running: func(ctx context.Context) ([]kube.Progress, error) {
			return target.Cluster.InProgress(ctx, plan.NamesOf(target.Config, target.Place).Pipeline, target.Config.ArgoNamespace)
		},
	}
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
	fmt.Fprintln(std.Err, found)
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
	if f.JSON {
		err = raw.PrintJSON(found.Begun(run))
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
	return steer.Await(ctx, p.Bucket, run)
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

// rollbackCmd goes back to a commit that was proven.
type rollbackCmd struct {
	steerFlags
	steer.RollbackVerb
}

// Run starts the rollback.
func (c rollbackCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, c.Find)
}

// redeployCmd deploys again what an environment has.
type redeployCmd struct {
	steerFlags
	steer.RedeployVerb
}

// Run starts the deployment.
func (c redeployCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, c.Find)
}

// promoteCmd deploys to one environment what another one has.
type promoteCmd struct {
	steerFlags
	steer.PromoteVerb
}

// Run starts the promotion.
func (c promoteCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.run(ctx, std, raw, c.Find)
}

// retryCmd deploys what a run did not get to.
type retryCmd struct {
	steerFlags
	steer.RetryVerb
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
	steer.StartVerb
}

// Validate refuses what is no commit, and local runs.
func (c startCmd) Validate() error {
	if c.State != "" {
		return errs.Invalidf("start is for a cluster").WithHint("generator run runs the last commit on this machine")
	}
	return errors.Join(c.steerFlags.Validate(), c.StartVerb.Validate())
}

// Run starts the run.
func (c startCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	if c.Commit == "" {
		var err error
		if c.Commit, err = source.Head(c.Source); err != nil {
			return err
		}
	}
	return c.run(ctx, std, raw, c.Find)
}
