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

// Stage is one stage of a program: a function from a typed input to a typed
// output, with the contract that was read from both types.
type Stage struct {
	Contract contract.Contract
	Help     string // the first line is the summary; the rest teaches, with an example

	input Input // pointer to the Input struct that the command line fills
	run   func(context.Context, Frame) (any, error)
}

// Input is what every stage's Input struct can do beyond its fields: say what
// is wrong with the values it was given.
type Input interface{ Validate() error }

// Frame is what a stage is run in.
type Frame struct {
	Log      *slog.Logger     // redacted, in the format that was asked for
	Out      io.Writer        // for the output of children: redacted, line by line
	Stdout   io.Writer        // for the data that the stage was asked for
	Screen   *screen.Screen   // below Log and Out, for lines that change in place; nil where there can be none
	Redactor *redact.Redactor // secrets learnt on the way are added here
	Workflow string           // name of the workflow run; empty outside of one
	Step     string           // name of the step in it; empty outside of one
}

// Of makes a stage of its run function. The contract must have been read from
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

// verb is the last word of the stage's command: the sub-command that calls it.
func (s Stage) verb() string { return s.Contract.Command[len(s.Contract.Command)-1] }

func summary(help string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(help), "\n")
	return first
}

func detail(help string) string {
	_, rest, _ := strings.Cut(strings.TrimSpace(help), "\n")
	return strings.TrimSpace(rest)
}
