// Command generator renders the pipeline that aphex-config.yaml declares, installs
// it in a cluster and an account, and runs it on this machine.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config/check"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
	"github.com/aphex/aphex-pipeline/internal/runs/steer"
	"github.com/aphex/aphex-pipeline/internal/runs/verify"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
	"github.com/aphex/aphex-pipeline/internal/stage/usage"
)

func main() { os.Exit(Main()) }

// Main runs the program with the arguments of the process and returns the exit code.
func Main() int {
	ctx, stop := stage.SignalContext()
	defer stop()
	go func() {
		<-command.Hurried()
		fmt.Fprintln(os.Stderr, "\nkilling all commands; stack operations that have started continue in AWS")
	}()
	err := run(ctx, os.Args[1:], stdio.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	if err != nil && ctx.Err() != nil && !errors.Is(err, pipelinerun.ErrStopped) {
		err = errs.Stopped(err, "run the same command again")
	}
	if err != nil && !errors.Is(err, errDiffers) {
		stage.PrintError(os.Stderr, err)
	}
	return stage.ExitCode(err)
}

// cli is the command line.
type cli struct {
	Render    renderCmd          `cmd:"" help:"Print the objects of the pipeline that the configuration declares."`
	Bootstrap bootstrapCmd       `cmd:"" help:"Install the pipeline and print the webhook settings."`
	Doctor    doctorCmd          `cmd:"" help:"Check an installed pipeline: versions, credentials, accounts, cluster and webhook."`
	Notify    notifyCmd          `cmd:"" help:"Send a test message to the targets of notifications."`
	Diff      diffCmd            `cmd:"" help:"Show what apply would change in the cluster."`
	Apply     applyCmd           `cmd:"" help:"Update the pipeline's objects in the cluster."`
	Rotate    rotateCmd          `cmd:"" help:"Replace the webhook secret, or the token of the pods."`
	Delete    deleteCmd          `cmd:"" help:"Remove the pipeline from the cluster, and optionally from AWS."`
	Run       runCmd             `cmd:"" help:"Run the whole pipeline on this machine."`
	Simulate  simulateCmd        `cmd:"" help:"Run the simulated AWS on its own, for single stages, the CDK CLI and the AWS CLI."`
	Status    history.StatusVerb `cmd:"" help:"Show which commit is in which environment, and the runs in progress."`
	History   history.ListVerb   `cmd:"" help:"List the last runs."`
	Show      history.ShowVerb   `cmd:"" help:"Show a run: its steps, and the cause of a failure."`
	Logs      history.LogsVerb   `cmd:"" help:"Print the logs of a run."`
	Report    history.ReportVerb `cmd:"" help:"Write an HTML page of a run, or of the pipeline."`
	Verify    verify.Verb        `cmd:"" help:"Verify the signed release record of a run."`
	Rollback  steer.RollbackVerb `cmd:"" help:"Roll an environment back to the last commit that was proven there, without a build."`
	Redeploy  steer.RedeployVerb `cmd:"" help:"Deploy the commit of an environment again, or one that was rolled back there."`
	Promote   steer.PromoteVerb  `cmd:"" help:"Deploy the commit of one environment to another."`
	Retry     steer.RetryVerb    `cmd:"" help:"Deploy to the environments that a run did not reach."`
	Approve   steer.ApproveVerb  `cmd:"" help:"Approve the deployment of a run to an environment."`
	Reject    steer.RejectVerb   `cmd:"" help:"Reject the deployment of a run to an environment, which ends the run."`
	Freeze    steer.FreezeVerb   `cmd:"" help:"Freeze an environment: no new deployment starts there."`
	Unfreeze  steer.UnfreezeVerb `cmd:"" help:"End the freeze of an environment."`
	Override  steer.OverrideVerb `cmd:"" help:"Let a run deploy to an environment although its gates are closed."`
	Start     steer.StartVerb    `cmd:"" help:"Start the run of a commit whose push started none."`
	Init      initCmd            `cmd:"" help:"Write a commented configuration for the CDK app in this folder."`
	Check     check.Options      `cmd:"" help:"Check the configuration without a network: before a commit, or on a pull request."`
	Schema    schemaCmd          `cmd:"" help:"Print the JSON Schema of the configuration."`
	usage.Verbs
}

const description = `generator renders, installs and runs the delivery pipeline that aphex-config.yaml declares.

Examples:

  generator init                  write aphex-config.yaml for the CDK app in this folder
  generator check                 check it without a network
  generator run --source .        run the whole pipeline on this machine, against a simulated AWS
  generator simulate              run the simulated AWS on its own, for single stages and other tools
  generator render -o pipeline/   write the pipeline's Argo objects to a folder
  generator render | kubectl apply -f -

Results go to stdout, logs to stderr. Exit codes: 0 success, 1 failed, 2 invalid input or configuration,
75 temporary failure, 143 stopped by a signal.`

// run parses the command line and runs its verb.
func run(ctx context.Context, args []string, std stdio.Streams) error {
	parsed, err := stage.Parse(&cli{}, args, std.Out, std.Err, kong.Name("generator"), kong.Description(description), kong.DefaultEnvars(contract.EnvPrefix),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(std.Out, (*io.Writer)(nil)), kong.Bind(std.Inert(), stdio.Raw(std), usage.Version(stage.Version())))
	if err != nil {
		return errs.Invalidf("%w", err).WithHint("%s", cmp.Or(errs.HintOf(err), "generator --help lists the verbs, generator <verb> --help their flags"))
	}
	if parsed == nil {
		return nil // --help was printed
	}
	return parsed.Run()
}
