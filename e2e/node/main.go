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

// Exit statuses of a test binary, beside those of its tests.
const (
	cannot  = 3   // the machine cannot run it
	stopped = 130 // interrupted by a signal
)

// workVariable names the work folder to the processes inside.
const workVariable = "APHEX_E2E_WORK"

// Tests are those of a test binary that work in namespaces of their own.
type Tests struct {
	Group   string                                       // control group of what they run, removed at the end
	Prepare func() error                                 // outside, where there is a network
	Up      func(ctx context.Context, work string) error // inside, before the tests
	Failed  func()                                       // inside, when something failed
	Down    func()                                       // inside, at the end, after a failure of Up too
}

// Main runs the tests, and gives the status to exit with. It is called by the
// processes inside as well; what they write to goes when they end.
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
	if inside, status := isolated(work, t.Group); !inside {
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
