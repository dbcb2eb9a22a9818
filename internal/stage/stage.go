package stage

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Stage is one stage of a program: a function from a typed input to a typed output,
// with the contract derived from both types.
type Stage struct {
	Contract contract.Contract
	Help     string // the first line is the summary; the rest has details and an example

	input Input // pointer to the Input struct that the command line fills
	run   func(context.Context, Frame) (any, error)
}

// Input is implemented by the Input struct of every stage. Validate returns an error
// for invalid values.
type Input interface{ Validate() error }

// Frame is what the frame of a program provides to a running stage.
type Frame struct {
	Log      *slog.Logger     // redacted, in the requested format
	Out      io.Writer        // for the output of children: redacted, line by line
	Stdout   io.Writer        // for the result of the stage
	Screen   *screen.Screen   // below Log and Out, for lines that change in place; nil without a terminal
	Redactor *redact.Redactor // register secrets obtained at run time here
	Workflow string           // name of the workflow run; empty outside of one
	Step     string           // name of the step in it; empty outside of one
	Commands Commands         // where commands of the repository run
}

// Commands names the server that runs the commands of the repository.
type Commands struct {
	Address string // empty runs them as processes
	Secret  string // file that keeps the secret between stages; may be empty
}

// Of returns a stage with the given run function. The contract must be derived from
// the same Input and Output types.
func Of[I Input, O any](c contract.Contract, help string, run func(context.Context, Frame, I) (O, error)) Stage {
	in := new(I)
	return Stage{
		Contract: c,
		Help:     help,
		input:    any(in).(Input), // a pointer has its value's methods
		run:      func(ctx context.Context, f Frame) (any, error) { return run(ctx, f, *in) },
	}
}

// verb is the stage's subcommand: the last word of its command.
func (s Stage) verb() string { return s.Contract.Command[len(s.Contract.Command)-1] }

func summary(help string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(help), "\n")
	return first
}

func detail(help string) string {
	_, rest, _ := strings.Cut(strings.TrimSpace(help), "\n")
	return strings.TrimSpace(rest)
}
