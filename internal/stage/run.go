package stage

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// run runs the stage inside its frame and gives the exit code.
func (c call) run(ctx context.Context, stdout, stderr io.Writer, begin func(Frame) (end func())) int {
	redactor := newRedactor()
	frame, json, flush := c.frame(redactor, stdout, stderr)
	defer flush()
	if begin != nil {
		defer begin(frame)()
	}
	err := c.work(ctx, frame)
	report(frame, json, err)
	return ExitCode(err)
}

// takeLog lets what libraries write by package log, the AWS SDK among them,
// pass the redactor as everything else does. The log is the process's, so this is
// for the program that the process is.
func takeLog(frame Frame) (giveBack func()) {
	before, flags := log.Writer(), log.Flags()
	log.SetOutput(frame.Out)
	log.SetFlags(0)
	return func() {
		log.SetOutput(before)
		log.SetFlags(flags)
	}
}

// work runs the stage, writes its outputs and keeps its record. What the stage
// returned beside an error is written too: the outputs of the stacks that were
// deployed before one failed must not be lost.
func (c *call) work(ctx context.Context, frame Frame) error {
	started := time.Now()
	if err := c.prepare(); err != nil {
		return err
	}
	frame.Log.Info("started", "stage", c.stage.Contract.Name(), "version", Version())
	output, err := c.stage.run(ctx, frame)
	if err != nil && ctx.Err() != nil {
		err = errs.Stopped(err, "the same command runs it again")
	}
	outputs, encodeErr := values(output)
	err = first(err, encodeErr, c.writeOutputs(outputs))
	record := newRecord(*c, started, outputs, err, frame.Redactor.String)
	if keepErr := c.keep(ctx, record); keepErr != nil {
		frame.Log.Warn("the record of this stage was not kept", "error", keepErr)
	}
	if c.common.Outputs == "" && len(outputs) > 0 && err == nil && !isTold(output) {
		printOutputs(frame.Stdout, outputs)
	}
	return err
}

// isTold says whether the stage has printed what it was asked for itself: an
// output says so by a method Told.
func isTold(output any) bool {
	told, can := output.(interface{ Told() bool })
	return can && told.Told()
}

// frame makes what the stage is run in. Everything that is written passes the
// redactor; flush writes what is still held of an incomplete last line.
func (c call) frame(redactor *redact.Redactor, stdout, stderr io.Writer) (frame Frame, json bool, flush func()) {
	terminal := isTerminal(stderr)
	var live *screen.Screen
	if c.common.LogFormat != "json" {
		if live = screen.On(stderr); live != nil {
			stderr = live // everything goes through it, so that it knows what is on the terminal
		}
	}
	log, json := newLogger(redactor.Writer(stderr), c.common.LogFormat, terminal)
	var children io.WriteCloser = redactor.Writer(stderr)
	if json {
		children = &lines{log: log}
	}
	frame = Frame{
		Log: log, Out: children, Stdout: stdout, Screen: live, Redactor: redactor,
		Workflow: c.common.Workflow, Step: c.common.Step,
	}
	return frame, json, func() { _ = children.Close() }
}

// report tells the error: a person gets two lines, a machine one record.
func report(frame Frame, json bool, err error) {
	if err == nil {
		return
	}
	hint := errs.HintOf(err)
	if json {
		frame.Log.Error(err.Error(), "kind", errs.KindOf(err).String(), "hint", hint)
		return
	}
	fmt.Fprintf(frame.Out, "error: %v\n", err)
	if hint != "" {
		fmt.Fprintf(frame.Out, "  hint: %s\n", strings.ReplaceAll(hint, "\n", "\n        "))
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
