package proc

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

const (
	// defaultGrace is how long a group may take to stop after SIGTERM.
	defaultGrace = 10 * time.Second
	// leftoverTime is how long a group may live on when its leader has exited
	// by itself: enough for a `> >(tee log)` to finish, too short for a server.
	leftoverTime = 500 * time.Millisecond
	// drainTime bounds the wait for output that somebody outside the group,
	// such as a daemon in a session of its own, keeps open.
	drainTime = 2 * time.Second
)

// Command is a program to run.
type Command struct {
	Args  []string // the program, looked up in PATH, and its arguments
	Dir   string   // where to run; "" is the current folder
	Env   []string // NAME=value; nil is our own environment
	Stdin io.Reader
	// Stdout and Stderr may be the same writer; then the order is kept and it is
	// written to by one goroutine only. nil discards.
	Stdout, Stderr io.Writer
	Grace          time.Duration // between SIGTERM and SIGKILL; 0 is 10 s
	Limit          time.Duration // how long it may run at all; 0 is without limit
}

// Shell gives the arguments that run text in a shell: bash where there is one, else sh.
func Shell(text string) []string {
	shell := "sh"
	if _, err := exec.LookPath("bash"); err == nil {
		shell = "bash"
	}
	return []string{shell, "-c", "--", text} // "--": a text may start with a dash
}

// Run runs c and waits until it has ended with everybody in its process group.
// It fails with an *ExitError when the program exits with another code than 0
// or by a signal, with a *LimitError when c.Limit passed, and with ctx.Err()
// when ctx ended. Output that could not be written is an error, too,
// but lets the program go on.
func Run(ctx context.Context, c Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	child, err := start(c)
	if err != nil {
		return fmt.Errorf("starting %q: %w", c.name(), err)
	}
	stopped := child.supervise(ctx, c)
	writing := child.finish()
	switch exit := child.exitError(c.Args); {
	case stopped != nil:
		return stopped
	case exit != nil:
		return exit
	case writing != nil:
		return fmt.Errorf("writing the output of %q: %w", c.name(), writing)
	}
	return nil
}

func (c Command) name() string {
	if len(c.Args) == 0 {
		return ""
	}
	return c.Args[0]
}

// supervise waits until the group is gone, stopping it when ctx ends or the
// limit passes; then it says why.
func (p *process) supervise(ctx context.Context, c Command) error {
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
		why = &LimitError{Args: c.Args, Limit: c.Limit}
	}
	p.signalGroup(syscall.SIGTERM)
	grace := c.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	p.killGroupAfter(grace)
	return why
}

// timer gives a channel that never fires for 0.
func timer(d time.Duration) (<-chan time.Time, func()) {
	if d <= 0 {
		return nil, func() {}
	}
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
