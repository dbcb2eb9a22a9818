// Package command declares how commands of the repository run: build commands, hooks,
// tests, CDK apps, and programs that make assets. Runner is the interface; package proc
// runs commands as processes, and package commandtest tests any implementation.
package command

import (
	"context"
	"io"
	"time"
)

// Runner runs commands of the repository, or of a tool that executes its files.
type Runner interface {
	// Run runs c, streams its output while it runs, and returns when c has ended
	// with every process of its group. It fails with
	//   - an *ExitError when the program exits with another code than 0 or by a signal,
	//   - a *LimitError when c.Limit passed and the group was stopped,
	//   - ctx.Err() when ctx ended and the group was stopped; an ended ctx starts nothing,
	//   - an error that wraps ErrNotFound when PATH has no such program.
	// Output that cannot be written is an error, too, but does not stop the program.
	Run(ctx context.Context, c Command) error
	// LookPath finds a program where the commands run. The error wraps ErrNotFound.
	LookPath(program string) (string, error)
}

// Command is a program to run.
type Command struct {
	Args  []string // the program, looked up in the runner's PATH, and its arguments
	Dir   string   // where to run; "" is the runner's current folder
	Env   []string // NAME=value; nil is the runner's own environment
	Stdin io.Reader
	// Stdout and Stderr may be the same writer; then the order is kept and it is
	// written to by one goroutine only. nil discards.
	Stdout, Stderr io.Writer
	Grace          time.Duration // between SIGTERM and SIGKILL; 0 is 10 s
	Limit          time.Duration // time limit; 0 is none
}

// Shell returns the arguments that run text in a shell of r: bash where there is one, else sh.
func Shell(r Runner, text string) []string {
	return []string{shellOf(r), "-c", "--", text} // "--": a text may start with a dash
}

// StrictShell returns the arguments that run text in a shell that stops at the first line
// that fails, and in bash at a failing program of a pipe, as other build services do.
func StrictShell(r Runner, text string) []string {
	if shell := shellOf(r); shell == "bash" {
		return []string{shell, "-e", "-o", "pipefail", "-c", "--", text}
	}
	return []string{"sh", "-e", "-c", "--", text}
}

func shellOf(r Runner) string {
	if _, err := r.LookPath("bash"); err == nil {
		return "bash"
	}
	return "sh"
}
