package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ExitError says that a program ended, but not well.
type ExitError struct {
	Code   int    // the exit code; -1 when a signal ended it
	Signal string // such as "killed"; "" when it exited by itself
	Args   []string
}

// Error names the program without its arguments, which may hold a secret.
func (e *ExitError) Error() string {
	name := filepath.Base(e.Args[0])
	if e.Signal != "" {
		return fmt.Sprintf("%s was ended by signal %q", name, e.Signal)
	}
	return fmt.Sprintf("%s exited with code %d", name, e.Code)
}

// LimitError says that a program was stopped because its time was over.
type LimitError struct {
	Args  []string
	Limit time.Duration
}

// Error names the program without its arguments, which may hold a secret.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s was stopped after its limit of %s", filepath.Base(e.Args[0]), e.Limit)
}

func exitErrorOf(state *os.ProcessState, args []string) error {
	if state.Success() {
		return nil
	}
	exit := &ExitError{Code: state.ExitCode(), Args: args}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	return exit
}
