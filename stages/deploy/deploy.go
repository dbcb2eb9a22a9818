package deploy

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Output is the output of the stage.
type Output struct {
	Outputs string         `output:"outputs" help:"Key of the stack outputs in the bucket, as {stack: {key: value}}."`
	Summary deploy.Summary `output:"summary" help:"Result of each stack, as JSON."`

	plan    *planned.Plan // set with --plan
	details *stage.Details
}

// Details returns what only the record of the deployment has.
func (o Output) Details() *stage.Details { return o.details }

// Printed reports whether stdout already has the result: a plan.
func (o Output) Printed() bool { return o.plan != nil }

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "environment") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Engine runs commands and assumes access.
	Engine deploy.Engine
	// Bucket has the artifact and the records of earlier deployments, and stores the
	// stack outputs; it may be nil.
	Bucket bucket.Bucket
	// Key returns the key of the provenance that is required.
	Key func(context.Context, attest.Proving) (attest.Key, error)
	// Progress overrides how progress is reported.
	Progress progress.Options
}

// Check reports, before any environment is deployed, whether all of them can be
// deployed, and which stacks of earlier runs no environment deploys any more.
func Check(ctx context.Context, d Deps, frame stage.Frame, r deploy.CheckRequest) (deploy.Checked, []stage.RemovedStack, error) {
	engine := d.Engine.In(frame, d.Progress)
	defer engine.Reporter.Watch()()
	checked, err := engine.Check(ctx, r)
	if err != nil || checked.Incomplete {
		return checked, nil, err
	}
	return checked, inventory.Store{Bucket: d.Bucket, Engine: engine, LooksOnly: r.LooksOnly}.Removed(ctx, r.Config, checked.Selections), ctx.Err()
}

// Run deploys the commit to the environment. On an error, the output has what was
// deployed before it. A plan is printed on standard output.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (out Output, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errs.Stopped(err, out.Summary.StillRunning())
		}
	}()
	if err := stage.CheckWritable(in.written()); err != nil {
		return Output{}, err
	}
	scratch, err := checkout.Scratch("deploy-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	engine := d.Engine.In(frame, d.Progress)
	stop := sync.OnceFunc(engine.Reporter.Watch())
	defer stop()
	r, cfg, err := d.request(ctx, frame, engine.Reporter, in, scratch)
	if err != nil {
		return Output{}, err
	}
	out.Summary = deploy.Results{}.Summary(in.Environment, frame.Redactor.String)
	switch {
	case len(r.Stacks) == 0: // the commit has dropped the environment
		return out, nil
	case in.plans():
		r.Removed = inventory.Store{Bucket: d.Bucket, Engine: engine}.Removals(cfg, r)
		return out.planned(ctx, engine, frame, in, r, stop)
	}
	if d.Bucket != nil {
		if err := d.Bucket.Prepare(ctx); err != nil {
			return out, err
		}
	}
	store := inventory.Store{Bucket: d.Bucket, Engine: engine}
	env, _ := cfg.Environment(in.Environment) // it has stacks
	gates := &inventory.Gates{Store: store, Config: cfg, Environment: env, Commit: in.Commit, Purpose: plan.Purpose(in.Purpose), Offset: in.ClockOffset}
	err = gates.Begin(ctx)
	if out.Summary.Gates = gates.Outcomes(); err != nil {
		return out, err
	}
	r.Review = gates.Reviewer()
	if r.Destroys {
		r.Removed = store.Removals(cfg, r)
	}
	deployment := store.Begin(ctx, cfg, r)
	outcome, err := engine.Deploy(ctx, r)
	out.Summary, out.details = outcome.Results.Summary(r.Name, frame.Redactor.String), outcome.Results.Details(frame.Redactor.String)
	out.Summary.Gates = gates.Outcomes()
	kept, keepErr := deployment.Keep(ctx, outcome, deploy.OutputFiles{CLI: in.OutputsFile, Named: in.NamedOutputsFile, Detailed: in.DetailedOutputsFile})
	out.Outputs, out.Summary.Removed = kept.Outputs, kept.Removed
	return out, cmp.Or(err, keepErr)
}

// planned prints the plan of a request, and executes nothing.
func (o Output) planned(ctx context.Context, engine deploy.Engine, frame stage.Frame, in Input, r deploy.Request, stop func()) (_ Output, err error) {
	o.plan, err = engine.Plan(ctx, r, in.PlanFile != "")
	if o.plan == nil {
		return o, err
	}
	o.Summary = deploy.SummaryOf(o.plan)
	stop()
	return o, cmp.Or(err, printPlan(frame.Stdout, o.plan, in.PlanFile))
}

// request builds the request: it fetches the workspace, reads its configuration,
// and applies the flags to what the environment declares. It has no stacks if the
// commit of a run has removed the environment.
func (d Deps) request(ctx context.Context, frame stage.Frame, report *progress.Reporter, in Input, scratch string) (r deploy.Request, cfg *config.Config, err error) {
	var execute *planned.Plan
	if in.ExecutePlan != "" {
		if execute, err = planned.Read(in.ExecutePlan, in.Environment, in.Commit); err != nil {
			return r, nil, err
		}
	}
	if err := d.proven(ctx, frame, in); err != nil {
		return r, nil, err
	}
	done := report.Begin(progress.Stage, in.Environment, "fetching the built workspace")
	dir, err := in.Hand(ctx, d.Bucket, d.Engine.Runner, frame.Log, filepath.Join(scratch, "workspace"))
	if err != nil {
		return r, nil, err
	}
	done()
	source, err := config.Read(dir, in.Config)
	if err == nil {
		cfg, err = config.ParseCommitted(filepath.Join(dir, filepath.FromSlash(in.Config)), source, in.ConfigDigest)
	}
	if err != nil {
		return r, nil, errs.Invalidf("%w", err)
	}
	env, found := cfg.At(in.Config).Environment(in.Environment)
	switch {
	case found:
	case frame.Workflow == "": // not a workflow run
		return r, nil, errs.Invalidf("%w", cfg.NoEnvironment(in.Environment))
	default:
		// A run keeps the topology it started with, and the commit may have removed the environment.
		frame.Log.Warn("this commit's configuration does not have the environment; nothing to deploy", "environment", in.Environment)
		return r, cfg, nil
	}
	if err := frame.Commands.KeepWorkspace(stage.Sent{Digest: in.Digest, Path: dir, Config: in.Config, Source: source}); err != nil {
		return r, nil, err
	}
	if r, err = in.over(deploy.For(env)); err != nil {
		return r, nil, err
	}
	r.Workspace, r.Scratch, r.Planned = dir, scratch, execute
	r.Lookups = in.Lookups || cfg.Lookups
	return r, cfg, nil
}

// printPlan prints a plan as text, and writes its file if requested.
func printPlan(to io.Writer, plan *planned.Plan, file string) error {
	terminal := screen.On(to)
	_, err := io.WriteString(to, plan.Text(terminal != nil && terminal.Color()))
	if file != "" {
		err = errors.Join(err, plan.Write(file))
	}
	return err
}
