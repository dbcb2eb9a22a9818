// Command commands runs the commands of a repository in a container of their own, for
// a stage in another container of the same pod.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

func main() { os.Exit(Main()) }

// Main runs the program with the arguments of the process and returns the exit code.
func Main() int {
	ctx, stop := stage.SignalContext()
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		stage.PrintError(os.Stderr, err)
	}
	return stage.ExitCode(err)
}

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run commands for the first program that connects and knows a secret, until SIGTERM or until the pod ends."`
	Wait    waitCmd    `cmd:"" help:"Wait until the server accepts connections: for a startup probe."`
	Version versionCmd `cmd:"" help:"Print the version and exit."`
}

const description = `commands runs the commands of a repository (build, synthesis, hooks, tests) in a container that
holds no token, for a stage of the pipeline in another container of the same pod.

  commands serve 127.0.0.1:7000       in the container of the commands
  commands wait 127.0.0.1:7000        as its startup probe
  builder --commands 127.0.0.1:7000   in the container of the stage`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	parsed, err := stage.Parse(&cli{}, args, stdout, stderr, kong.Name("commands"), kong.Description(description),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(output{stdout, stderr}))
	if err != nil {
		return errs.Invalidf("%w", err).WithHint("commands --help lists the verbs, commands <verb> --help their flags")
	}
	if parsed == nil {
		return nil // --help was printed
	}
	return parsed.Run()
}

type output struct{ out, err io.Writer }

type serveCmd struct {
	Address string `arg:"" help:"Loopback address, or path of a Unix socket, to listen on." placeholder:"HOST:PORT"`
	Root    string `help:"Folder for the files that the stage sends; with / they have the same paths as there." default:"/" type:"path" placeholder:"DIR"`
}

// Run serves. It ends at once when it is asked to, or when its pod ends: what still runs ends with the container.
func (c serveCmd) Run(ctx context.Context, std output) error {
	if err := remote.Harden(); err != nil {
		return err
	}
	listener, err := remote.Listen(c.Address)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "commands %s: waiting for the stage at %s\n", stage.Version(), c.Address)
	return (&remote.Server{Runner: proc.Runner{}, Root: c.Root, Reporting: remote.ToCluster(os.Getenv)}).Serve(ctx, listener)
}

type waitCmd struct {
	Address string        `arg:"" help:"Address of the server." placeholder:"HOST:PORT"`
	For     time.Duration `help:"How long to wait." default:"1s"`
}

// Run waits.
func (c waitCmd) Run(ctx context.Context) error {
	conn, err := remote.Connect(ctx, c.Address, c.For)
	if err != nil {
		return fmt.Errorf("no server at %s after %s: %w", c.Address, c.For, err)
	}
	return errors.Join(conn.Close(), ctx.Err())
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(std output) error {
	_, err := fmt.Fprintln(std.out, "commands", stage.Version())
	return err
}
