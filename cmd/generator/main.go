// Command generator renders the pipeline that aphex-config.yaml declares, installs
// it in a cluster and an account, and runs it on this machine.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
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
	err := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	if err != nil && ctx.Err() != nil && !errors.Is(err, pipelinerun.ErrStopped) {
		err = errs.Stopped(err, "run the same command again")
	}
	if err != nil && !errors.Is(err, errDiffers) {
		stage.PrintError(os.Stderr, err)
	}
	return stage.ExitCode(err)
}

// streams are the standard streams: results go to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// ask asks a question unless the flag --yes has answered it.
func (s streams) ask(ctx context.Context, question, outcome string, yes bool) error {
	if yes {
		return nil
	}
	return console.Ask(ctx, s.in, s.err, question, outcome)
}

// inert returns streams for text that has names, subjects and values of others: a
// terminal only shows them.
func (s streams) inert() streams {
	return streams{s.in, screen.NewStyledWriter(s.out), screen.NewStyledWriter(s.err)}
}

// rawStreams are the streams as they are: for a verb that draws on the terminal itself,
// and for documents that programs read.
type rawStreams streams

// document returns where a document goes: as it is to a program, inert to a terminal.
func (s rawStreams) document() io.Writer {
	if screen.Terminal(s.out) != nil {
		return screen.NewInertWriter(s.out)
	}
	return s.out
}

// print prints a document that was made without an error.
func (s rawStreams) print(text []byte, err error) error {
	if err == nil {
		_, err = s.document().Write(text)
	}
	return err
}

// printJSON prints a value as a JSON document.
func (s rawStreams) printJSON(value any) error {
	encoder := json.NewEncoder(s.document())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// cli is the command line.
type cli struct {
	Render     renderCmd     `cmd:"" help:"Print the objects of the pipeline that the configuration declares."`
	Bootstrap  bootstrapCmd  `cmd:"" help:"Install the pipeline and print the webhook settings."`
	Doctor     doctorCmd     `cmd:"" help:"Check an installed pipeline: versions, credentials, accounts, cluster and webhook."`
	Diff       diffCmd       `cmd:"" help:"Show what apply would change in the cluster."`
	Apply      applyCmd      `cmd:"" help:"Update the pipeline's objects in the cluster."`
	Rotate     rotateCmd     `cmd:"" help:"Replace the webhook secret, or the token of the pods."`
	Delete     deleteCmd     `cmd:"" help:"Remove the pipeline from the cluster, and optionally from AWS."`
	Run        runCmd        `cmd:"" help:"Run the whole pipeline on this machine."`
	Simulate   simulateCmd   `cmd:"" help:"Run the simulated AWS on its own, for single stages, the CDK CLI and the AWS CLI."`
	Status     statusCmd     `cmd:"" help:"Show which commit is in which environment, and the runs in progress."`
	History    historyCmd    `cmd:"" help:"List the last runs."`
	Show       showCmd       `cmd:"" help:"Show a run: its steps, and the cause of a failure."`
	Logs       logsCmd       `cmd:"" help:"Print the logs of a run."`
	Init       initCmd       `cmd:"" help:"Write a commented configuration for the CDK app in this folder."`
	Check      checkCmd      `cmd:"" help:"Check the configuration without a network: before a commit, or on a pull request."`
	Schema     schemaCmd     `cmd:"" help:"Print the JSON Schema of the configuration."`
	Complete   completeCmd   `cmd:"" hidden:"" help:"Print what can stand at the end of a command line."`
	Completion completionCmd `cmd:"" help:"Print the script that completes command lines in bash, zsh or fish."`
	Manual     manualCmd     `cmd:"" help:"Print the manual page."`
	Version    versionCmd    `cmd:"" help:"Print the version and exit."`
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
func run(ctx context.Context, args []string, std streams) error {
	parsed, err := stage.Parse(&cli{}, args, std.out, std.err, kong.Name("generator"), kong.Description(description), kong.DefaultEnvars(contract.EnvPrefix),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std.inert(), rawStreams(std)))
	if err != nil {
		return errs.Invalidf("%w", err).WithHint("%s", cmp.Or(errs.HintOf(err), "generator --help lists the verbs, generator <verb> --help their flags"))
	}
	if parsed == nil {
		return nil // --help was printed
	}
	return parsed.Run()
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(std streams) error {
	_, err := fmt.Fprintf(std.out, "generator %s\n", stage.Version())
	return err
}
