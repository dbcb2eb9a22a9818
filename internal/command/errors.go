package command

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNotFound reports that PATH has no such program.
var ErrNotFound = exec.ErrNotFound

// ErrGone reports that the container that runs commands has ended, does not answer, or answers with something that it must
// not answer. Nothing more can be run there.
var ErrGone = errors.New("the commands' container is gone")

// ExitError reports that a program failed.
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

// killed is how a shell reports that its last program was ended by SIGKILL.
const killed = 128 + 9

// Killed reports whether SIGKILL ended the program, or the last one of a shell, as
// the kernel does when the memory of the container or the machine is used up.
func (e *ExitError) Killed() bool { return e.Signal == "killed" || e.Code == killed }

// LimitError reports that a program was stopped at its time limit.
type LimitError struct {
	Args  []string
	Limit time.Duration
}

// Error names the program without its arguments, which may hold a secret.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s was stopped after its limit of %s", filepath.Base(e.Args[0]), e.Limit)
}
