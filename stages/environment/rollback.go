package environment

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/contract"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/remove"
	"github.com/aphex/aphex-pipeline/internal/schedule"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/workspace"
)

// RollbackHelp describes the stage on the command line.
const RollbackHelp = `Roll back stacks of an environment that stopped half way.

Brings stacks whose deployment failed without being rolled back (CREATE_FAILED,
UPDATE_FAILED), or whose rollback failed itself (UPDATE_ROLLBACK_FAILED), back to
their last stable state, as cdk rollback does. Stacks that need no rollback are left
alone; it is an error if none does. Where resources cannot be rolled back, --orphan
leaves some of them behind as they are, --force all that fail.

Examples:

  deployer rollback --environment dev
  deployer rollback --environment dev --stack Api --orphan Queue4A7E3555
`

// RollbackInput is what the stage is given.
type RollbackInput struct {
	Environment string        `help:"Name of the environment whose stacks are rolled back." required:""`
	Stack       []string      `help:"Roll back only these stacks: names, construct paths or patterns." sep:"none" placeholder:"NAME,…"`
	Force       bool          `short:"f" help:"Leave behind all resources whose rollback fails."`
	Orphan      []string      `help:"Leave behind these resources of a stack whose rollback failed, by logical id. May be given several times." placeholder:"ID,…"`
	Config      string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Source      string        `help:"Folder of the repository, built." type:"path" default:"." placeholder:"DIR"`
	Assembly    string        `help:"Folder with a cloud assembly to use in place of a synthesis." type:"path" placeholder:"DIR"`
	Limit       time.Duration `help:"How long one command may run." default:"1h"`
}

// Validate refuses resources of which all and some are named.
func (in RollbackInput) Validate() error {
	if in.Force && len(in.Orphan) > 0 {
		return fault.Invalidf("--force leaves all failing resources behind, --orphan some of them").WithHint("give one of them")
	}
	return nil
}

// RollbackOutput is what the stage leaves.
type RollbackOutput struct {
	Summary Summary `output:"summary" help:"What became of each stack, as JSON."`
}

// RollbackContract is the stage from outside.
func RollbackContract() contract.Contract {
	return contract.Of[RollbackInput, RollbackOutput]("deployer", "rollback")
}

// RollBack rolls back the stacks one after the other, and stops at the first that fails.
func RollBack(ctx context.Context, d Deps, frame stage.Frame, in RollbackInput) (RollbackOutput, error) {
	cfg, err := config.Load(filepath.Join(in.Source, filepath.FromSlash(in.Config)))
	if err != nil {
		return RollbackOutput{}, fault.Invalidf("%w", err)
	}
	env, found := cfg.Environment(in.Environment)
	if !found {
		return RollbackOutput{}, noEnvironment(in.Environment, cfg)
	}
	scratch, err := workspace.Scratch("rollback-")
	if err != nil {
		return RollbackOutput{}, err
	}
	defer remove.All(scratch)
	if frame.Workflow == "" { // each run by hand is one of its own
		frame.Workflow = "rollback-" + time.Now().UTC().Format("20060102T150405.000000000")
	}
	tell := newTelling(d, frame, env.Name)
	defer tell.Watch()()
	j := &job{deps: d, frame: frame, progress: tell, Request: Request{
		Environment: env, Workspace: in.Source, Scratch: scratch, Assembly: in.Assembly, Stacks: splitNames(in.Stack), Exclusively: true, Limit: in.Limit,
	}}
	if err := j.enter(ctx); err != nil {
		return RollbackOutput{}, err
	}
	defer j.loan.Close()
	results, err := j.rollBackAll(ctx, cfn.Orphans{Failing: in.Force, LogicalIDs: in.Orphan})
	return RollbackOutput{Summary: summarize(env.Name, results, frame.Redactor.String)}, err
}

func noEnvironment(name string, cfg *config.Config) error {
	var known []string
	for _, env := range cfg.Environments {
		known = append(known, env.Name)
	}
	err := fault.Invalidf("the configuration has no environment %q", name)
	if near := assembly.Nearest(name, known); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err
}

func (j *job) rollBackAll(ctx context.Context, orphans cfn.Orphans) (results []Result, err error) {
	targets, apps, _, err := j.arrange(ctx)
	if err != nil {
		return nil, err
	}
	j.progress.choose(targets)
	d, err := j.newDeployment(ctx, apps)
	if err != nil {
		return nil, err
	}
	any := false
	for _, t := range targets {
		result, err := d.rollBackStack(ctx, t, orphans)
		d.progress.ended(t.name, err)
		state := schedule.Done
		if err != nil {
			state = schedule.Failed
		}
		results = append(results, Result{Result: result, Stack: t.name, Name: t.stack.Name, Region: t.region, State: state, Err: err})
		if err != nil {
			return results, err
		}
		any = any || result.Action == cfn.RolledBack
	}
	if !any {
		return results, fault.Failedf("no stack was in a state that can be rolled back")
	}
	return results, nil
}

// rollbackBootstrap is the version from which on the roles of the bootstrap may roll back.
const rollbackBootstrap = 23

func (d *deployment) rollBackStack(ctx context.Context, t target, orphans cfn.Orphans) (cfn.Result, error) {
	session, goal, err := d.approach(ctx, t)
	if err != nil {
		return cfn.Result{}, err
	}
	if needs := t.stack.Bootstrap; needs.Parameter != "" {
		needs.MinVersion = max(needs.MinVersion, rollbackBootstrap)
		if err := d.require(ctx, t, needs); err != nil {
			return cfn.Result{}, fmt.Errorf("rolling back stack %s: %w", t.name, err)
		}
	}
	result, err := cfn.RollBackStack(ctx, cfn.NewClient(session.Config), goal, orphans, d.options(t))
	return result, session.Explain(err)
}
