package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit statuses of a test binary, besides those of its tests.
const (
	cannot  = 3   // the machine cannot run it
	stopped = 130 // interrupted by a signal
)

// workVariable is the variable with the work folder for the processes inside.
const workVariable = "APHEX_E2E_WORK"

// Tests are the tests of a binary that run in separate namespaces.
type Tests struct {
	Prepare func() error                                 // outside, with a network
	Up      func(ctx context.Context, work string) error // inside, before the tests
	Failed  func()                                       // inside, after a failure
	Down    func()                                       // inside, at the end, even if Up failed
}

// Main runs the tests, and returns the exit status. The processes inside call it as well;
// their work folder is removed at the end.
func (t Tests) Main(run func() int) int {
	if problems := Problems(); len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "e2e: this machine cannot run it:\n  "+strings.Join(problems, "\n  "))
		return cannot
	}
	work := os.Getenv(workVariable)
	if work == "" {
		made, err := t.outside()
		defer os.RemoveAll(made)
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		work = made
	}
	if inside, status := isolated(work); !inside {
		return status
	}
	return t.inside(work, run)
}

func (t Tests) outside() (work string, err error) {
	if err := t.Prepare(); err != nil {
		return "", err
	}
	if work, err = os.MkdirTemp("", "aphex-e2e-"); err != nil {
		return "", err
	}
	return work, errors.Join(os.Chmod(work, 0o711), os.Setenv(workVariable, work))
}

func (t Tests) inside(work string, run func() int) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	defer t.Down()
	if err := t.Up(ctx, work); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		t.Failed()
		return 1
	}
	status := make(chan int)
	go func() { status <- run() }()
	select {
	case code := <-status:
		if code != 0 {
			t.Failed()
		}
		return code
	case <-ctx.Done():
		return stopped
	}
}
