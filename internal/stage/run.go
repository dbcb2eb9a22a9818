package stage

import (
	"context"
	"io"
	"log"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// run runs the stage inside its frame and returns the exit code.
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

// takeLog sends the output of package log, which libraries such as the AWS SDK use,
// through the redactor. The log belongs to the process, so only Main calls it.
func takeLog(frame Frame) (giveBack func()) {
	before, flags := log.Writer(), log.Flags()
	log.SetOutput(frame.Out)
	log.SetFlags(0)
	return func() {
		log.SetOutput(before)
		log.SetFlags(flags)
	}
}

// work runs the stage, writes its outputs and stores its record. It also writes
// outputs returned with an error: the outputs of stacks deployed before a failure
// must not be lost.
func (c *call) work(ctx context.Context, frame Frame) error {
	started := time.Now()
	if err := c.prepare(); err != nil {
		return err
	}
	frame.Log.Info("started", "stage", c.stage.Contract.Name(), "version", Version())
	output, err := c.stage.run(ctx, frame)
	if err != nil && ctx.Err() != nil {
		err = errs.Stopped(err, "run the same command again")
	}
	outputs, encodeErr := values(output)
	err = first(err, encodeErr, c.writeOutputs(outputs))
	record := newRecord(*c, started, outputs, err, frame.Redactor.String)
	if with, has := output.(detailed); has {
		record.Details = with.Details()
	}
	if keepErr := c.keep(ctx, record); keepErr != nil {
		frame.Log.Warn("cannot store the record of this stage", "error", keepErr)
	}
	if c.common.Outputs == "" && len(outputs) > 0 && err == nil && !isPrinted(output) {
		printOutputs(frame.Stdout, outputs)
	}
	return err
}

// isPrinted reports whether the stage has already printed its result: its output
// has a method Printed that returns true.
func isPrinted(output any) bool {
	printed, ok := output.(interface{ Printed() bool })
	return ok && printed.Printed()
}

// frame returns the frame of the stage. All output passes the redactor; flush
// writes an incomplete last line.
func (c call) frame(redactor *redact.Redactor, stdout, stderr io.Writer) (frame Frame, json bool, flush func()) {
	terminal := screen.Terminal(stderr) != nil
	var live *screen.Screen
	if c.common.LogFormat != "json" {
		if live = screen.On(stderr); live != nil {
			stderr = live // the screen must see everything on the terminal
		}
	}
	log, json := newLogger(redactor.Writer(stderr), c.common.LogFormat, terminal, func(text string) string {
		return screen.Inert(redactor.String(text))
	})
	children, last := redactor.Writer(screen.NewInertWriter(stderr)), func() {}
	if json {
		lines := &lines{log: log}
		children, last = redactor.Writer(lines), func() { _ = lines.Close() }
	}
	frame = Frame{
		Log: log, Out: children, Stdout: screen.NewInertWriter(stdout), Screen: live, Redactor: redactor,
		Workflow: c.common.Workflow, Step: c.common.Step,
		Commands: Commands{Address: c.common.Commands, Secret: c.common.CommandsSecret},
	}
	return frame, json, func() { _ = children.Close(); last() }
}

// report prints the error, as text or as one JSON record.
func report(frame Frame, json bool, err error) {
	if err == nil {
		return
	}
	if json {
		frame.Log.Error(err.Error(), "kind", errs.KindOf(err).String(), "hint", errs.HintOf(err))
		return
	}
	PrintError(frame.Out, err)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
