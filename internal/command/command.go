// Package command declares how commands of the repository run: build commands, hooks,
// tests, CDK apps, and programs that make assets. Runner is the interface; package proc
// runs commands as processes, package remote in another container, and package
// commandtest tests any implementation.
package command

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Runner runs commands of the repository, or of a tool that executes its files.
type Runner interface {
	// Run runs c, streams its output while it runs, and returns when c has ended
	// with every process of its group. It fails with
	//   - an *ExitError when the program exits with another code than 0 or by a signal,
	//   - a *LimitError when c.Limit passed and the group was stopped,
	//   - ctx.Err() when ctx ended and the group was stopped; an ended ctx starts nothing,
	//   - an error that wraps ErrNotFound when PATH has no such program,
	//   - an error that wraps ErrGone when what runs the commands no longer answers.
	// Output that cannot be written is an error, too, but does not stop the program.
	Run(ctx context.Context, c Command) error
	// LookPath finds a program where the commands run. The error wraps ErrNotFound.
	LookPath(program string) (string, error)
	// Environ returns the environment of commands that are given none, as NAME=value.
	Environ() []string
	Files
}

// Files hands files over to commands and takes them back. Commands that run as processes of this machine have the same
// files; then nothing is copied.
type Files interface {
	// Place returns the path at which commands find the file or folder of ours with that absolute path, once it has been sent.
	Place(path string) string
	// Send copies a file or folder of ours to its place, in the place of what is there.
	Send(ctx context.Context, path string) error
	// SendFolder is Send for a folder that comes as a tar, so that it need not be at path yet: content writes it. It does
	// nothing where commands have the same files.
	SendFolder(ctx context.Context, path string, content func(ctx context.Context, tar io.Writer) error) error
	// Fetch makes a file or folder of the commands readable for us, and returns the path of it: where the files are the same
	// ones that is from itself, and whatever the selection leaves out is there, too; otherwise it is into, which holds nothing
	// else afterwards. What is fetched was written by commands and must not be trusted. An error that wraps fs.ErrNotExist
	// reports that there is nothing at from; then nothing is at into either.
	Fetch(ctx context.Context, from, into string, what Selection) (string, error)
}

// Apart is implemented by runners whose commands have files of their own, besides those that
// they are sent. Paths are as the commands know them.
type Apart interface {
	// Has reports whether there is anything at a path, and be it a link that leads nowhere.
	Has(ctx context.Context, at string) (bool, error)
	// MakeFolder makes a folder of the tar that content writes, in the place of what is there.
	MakeFolder(ctx context.Context, at string, content func(ctx context.Context, tar io.Writer) error) error
	// ReadFolder gives the tar of a folder to read. It was written by commands and must not be
	// trusted. An error that wraps fs.ErrNotExist reports that there is nothing at from.
	ReadFolder(ctx context.Context, from string, read func(tar io.Reader) error) error
}

// Selection says what is fetched of a folder. The zero value is all of it.
type Selection struct {
	Without []string // names of folders that are left out, wherever they are
	Only    []string // patterns for names of files, as in path.Match, without regard to case; empty is all files
}

// Includes reports whether a file or folder of a folder, by its path with slashes, is selected.
func (s Selection) Includes(name string, isFolder bool) bool {
	name = strings.ToLower(path.Base(name))
	matches := func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), name)
		return err == nil && matched
	}
	if isFolder {
		return !slices.ContainsFunc(s.Without, func(without string) bool { return strings.ToLower(without) == name })
	}
	return len(s.Only) == 0 || slices.ContainsFunc(s.Only, matches)
}

// Command is a program to run.
type Command struct {
	Args  []string // the program, looked up in the runner's PATH, and its arguments
	Dir   string   // where to run, as the commands know it: see Files.Place; "" is the runner's current folder
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
