//go:build !windows

package proc

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
)

const (
	// defaultGrace is how long a group may take to stop after SIGTERM.
	defaultGrace = 10 * time.Second
	// leftoverTime is how long a group may run after its leader has exited by itself:
	// enough for a `> >(tee log)` to finish, too short for a server.
	leftoverTime = 500 * time.Millisecond
	// drainTime is the longest wait for output that a process outside the group, such as
	// a daemon, keeps open.
	drainTime = 2 * time.Second
)

// Refusal returns why no command runs on this system, or nil.
func Refusal() error { return nil }

// Run runs c in its own process group.
func (Runner) Run(ctx context.Context, c command.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	child, err := start(c)
	if err != nil {
		return fmt.Errorf("starting %q: %w", nameOf(c), err)
	}
	stopped := child.supervise(ctx, c)
	left, writing := child.finish()
	err = child.outcome(c, stopped, writing)
	switch {
	case left > 0 && err != nil:
		return fmt.Errorf("%w; it left %d processes behind that cannot be ended", err, left)
	case left > 0:
		return fmt.Errorf("%q left %d processes behind that cannot be ended", nameOf(c), left)
	}
	return err
}

// outcome returns why the command was stopped, or how it failed.
func (p *process) outcome(c command.Command, stopped, writing error) error {
	switch exit := p.exitError(c.Args); {
	case stopped != nil:
		return stopped
	case exit != nil:
		return exit
	case writing != nil:
		return fmt.Errorf("writing the output of %q: %w", nameOf(c), writing)
	}
	return nil
}

func nameOf(c command.Command) string {
	if len(c.Args) == 0 {
		return ""
	}
	return c.Args[0]
}

// supervise waits until the group is gone. It stops the group when ctx ends or the limit
// passes, and then returns the reason.
func (p *process) supervise(ctx context.Context, c command.Command) error {
	limit, stop := timer(c.Limit)
	defer stop()
	var why error
	select {
	case <-p.exited:
		p.killGroupAfter(leftoverTime)
		return nil
	case <-ctx.Done():
		why = ctx.Err()
	case <-limit:
		why = &command.LimitError{Args: c.Args, Limit: c.Limit}
	}
	p.stopGroup(cmp.Or(c.Grace, defaultGrace))
	return why
}

// timer returns a channel that never fires for 0.
func timer(d time.Duration) (<-chan time.Time, func()) {
	if d <= 0 {
		return nil, func() {}
	}
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
