package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// ExecOptions say how commands are run.
type ExecOptions struct {
	Runner   command.Runner      // runs them
	Dir      string              // as the commands know it: see command.Files
	Env      []string            // NAME=value, with PATH extended by the programs of Dir's npm packages; see Environ
	Out      io.Writer           // for their output, line by line and masked; nil discards
	Redactor *redact.Redactor    // masks the secrets; nil masks well-known patterns only
	Limit    time.Duration       // for each command; 0 is without limit
	Timeout  Timeout             // for all commands together; if set, Limit is not used
	Grace    time.Duration       // between SIGTERM and SIGKILL; 0 is 10 s
	Observe  func(CommandResult) // called after each command, including a failed one; may be nil
	Memory   string              // what the memory of the commands is limited to in a pod, for the error of one that was killed
}

// Timeout is a time limit that the configuration sets; the zero value is none.
type Timeout struct {
	Key string // of the configuration, to name in errors: build.timeout
	Of  time.Duration
}

// CommandResult is the result of one command. Its texts are masked.
type CommandResult struct {
	Command  string        `json:"command"`
	Started  time.Time     `json:"started"` // UTC
	Duration time.Duration `json:"-"`
	Seconds  float64       `json:"seconds"`         // Duration in the JSON
	ExitCode int           `json:"exitCode"`        // -1 when the command was stopped
	Error    string        `json:"error,omitempty"` // empty on success
	Tail     string        `json:"-"`               // the last lines of its output

	advice string // about a cause outside of the command
}

// RunCommands runs the commands one after another until one fails. Each runs in its own
// shell, so that variables and `cd` do not affect the next one, but in the same folder.
// Programs of the folder's npm packages are found as in an npm script. The shell is bash,
// or sh where there is no bash, and stops at the first line that fails, in bash also if
// any program of a pipe fails. A command is stopped with all processes that it started.
//
// It returns the results of all commands that were started. A command that fails or
// exceeds its limit, or the timeout of all, is an error of kind Failed with the last lines of its output;
// a cancelled context is one of kind Cancelled.
func RunCommands(ctx context.Context, commands []string, s ExecOptions) ([]CommandResult, error) {
	if s.Redactor == nil {
		s.Redactor = redact.New()
	}
	if s.Out == nil {
		s.Out = io.Discard
	}
	results := make([]CommandResult, 0, len(commands))
	end := time.Now().Add(s.Timeout.Of)
	for _, text := range commands {
		if s.Timeout.Of > 0 {
			s.Limit = max(time.Until(end), 1) // 0 would be none
		}
		result, err := s.runOne(ctx, text)
		results = append(results, result)
		if s.Observe != nil {
			s.Observe(result)
		}
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

func (s ExecOptions) runOne(ctx context.Context, text string) (CommandResult, error) {
	result := CommandResult{Command: s.Redactor.String(text), Started: time.Now().UTC()}
	fmt.Fprintf(s.Out, "$ %s\n", result.Command)
	last := &command.Tail{}
	out := s.Redactor.Writer(io.MultiWriter(s.Out, last))
	err := s.Runner.Run(ctx, command.Command{
		Args: command.StrictShell(s.Runner, text), Dir: s.Dir, Env: cdkapp.Environ(s.Dir, s.Dir, s.Env), Stdout: out, Stderr: out, Limit: s.Limit, Grace: s.Grace,
	})
	err = errors.Join(err, out.Close())
	if last.Open() {
		fmt.Fprintln(s.Out) // the next output begins on a new line
	}
	result.Duration = time.Since(result.Started)
	result.Seconds = result.Duration.Round(time.Millisecond).Seconds()
	result.Tail, result.advice = last.Last(), command.Advice(last.String())
	if err != nil {
		result.ExitCode, result.Error = exitCode(err), s.Redactor.String(err.Error())
	}
	return result, result.explain(err, s.Timeout, s.Memory)
}

func exitCode(err error) int {
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return -1
}

// explain returns an error that says what failed, with the end of the output.
func (r CommandResult) explain(err error, timeout Timeout, memory string) error {
	if err == nil {
		return nil
	}
	took := r.Duration.Round(100 * time.Millisecond)
	var exit *command.ExitError
	var limit *command.LimitError
	switch {
	case errors.Is(err, context.Canceled):
		return errs.Cancelledf("command %q was stopped after %s: %w", r.Command, took, err)
	case errors.As(err, &limit) && timeout.Of > 0:
		return r.failed("command %q was stopped after %s, at the end of the %s of %s", r.Command, took, timeout.Of, timeout.Key).
			WithHint("find out what it waits for, or raise %s in %s", timeout.Key, config.File)
	case errors.As(err, &limit):
		return r.failed("command %q exceeded its time limit of %s and was stopped", r.Command, limit.Limit)
	case errors.As(err, &exit) && exit.Killed():
		limit := ""
		if memory != "" {
			limit = "; in a pod, the container commands has " + memory
		}
		return r.failed("command %q was killed after %s, as happens when the memory of its pod or machine is used up%s", r.Command, took, limit)
	case errors.As(err, &exit) && exit.Signal != "":
		return r.failed("command %q was ended by signal %q after %s", r.Command, exit.Signal, took)
	case errors.As(err, &exit):
		failed := r.failed("command %q failed with exit code %d after %s", r.Command, exit.Code, took)
		if r.advice != "" {
			failed = failed.WithHint("%s", r.advice)
		}
		return failed
	case errors.Is(err, command.ErrGone):
		return errs.Failedf("command %q: %w", r.Command, err).WithHint("%s", errs.HintOf(err))
	default:
		return errs.Failedf("command %q: %s", r.Command, r.Error)
	}
}

func (r CommandResult) failed(format string, args ...any) *errs.Error {
	err := errs.Failedf(format+"%s", append(args, command.Quoted(r.Tail))...)
	if r.Tail == "" {
		return err.WithHint("it printed nothing; run it in the same folder to see more")
	}
	return err
}
