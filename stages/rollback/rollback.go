// Package rollback is the stage that rolls back stacks of an environment whose
// deployment was interrupted.
package rollback

import (
	"context"
	"time"

	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Roll back stacks of an environment whose deployment was interrupted.

Rolls back stacks whose deployment failed without a rollback (CREATE_FAILED,
UPDATE_FAILED) or whose rollback failed (UPDATE_ROLLBACK_FAILED) to their last
stable state, as cdk rollback does. Other stacks are left alone; if no stack needs a
rollback, the command fails. If resources cannot be rolled back, --orphan skips some
of them and --force all that fail.

Examples:

  deployer rollback --environment dev
  deployer rollback --environment dev --stack Api --orphan Queue4A7E3555
`

// Input is the input of the stage.
type Input struct {
	Environment string   `help:"Name of the environment whose stacks to roll back." required:""`
	Stack       []string `help:"Roll back only these stacks: names, construct paths or patterns." sep:"none" placeholder:"NAME,…"`
	Force       bool     `short:"f" help:"Skip all resources whose rollback fails."`
	Orphan      []string `help:"Skip these resources of a stack whose rollback failed, by logical id. Repeatable." placeholder:"ID,…"`
	stage.Built
}

// Validate refuses --force together with --orphan.
func (in Input) Validate() error {
	if in.Force && len(in.Orphan) > 0 {
		return errs.Invalidf("--force and --orphan cannot be combined").WithHint("give one of them")
	}
	return nil
}

// Output is the output of the stage.
type Output struct {
	Summary deploy.Summary `output:"summary" help:"Result of each stack, as JSON."`
}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "rollback") }

// Deps are the dependencies of the stage.
type Deps struct {
	Engine deploy.Engine // runs commands and assumes access
}

// Run rolls back the stacks one after the other, and stops at the first that fails.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	env, err := in.Built.Environment(in.Environment)
	if err != nil {
		return Output{}, err
	}
	scratch, err := checkout.Scratch("rollback-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	if err := d.Engine.Runner.Send(ctx, in.Source); err != nil {
		return Output{}, err
	}
	if frame.Workflow == "" { // each local invocation is a run of its own
		frame.Workflow = "rollback-" + time.Now().UTC().Format("20060102T150405.000000000")
	}
	engine := d.Engine.In(frame, progress.Options{})
	defer engine.Reporter.Watch()()
	r := deploy.For(env)
	r.Workspace, r.Scratch, r.Assembly, r.Limit = in.Source, scratch, in.Assembly, in.Limit
	r.Only, r.Exclusively = deploy.SplitNames(in.Stack), true
	results, err := engine.RollBack(ctx, r, cfn.Orphans{Failing: in.Force, LogicalIDs: in.Orphan})
	return Output{Summary: results.Summary(env.Name, frame.Redactor.String)}, err
}
