//go:build !windows

package proc

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// process is a running program, its group and its output.
type process struct {
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the leader has exited
	waitErr error         // set before exited is closed
	output  output
}

func start(c command.Command) (*process, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("no program given")
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.SysProcAttr = attributes()
	feed, err := connectInput(cmd, c.Stdin)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if err := p.output.connect(cmd, c.Stdout, c.Stderr); err != nil {
		return nil, err
	}
	if err := p.launch(); err != nil {
		p.output.abandon()
		return nil, err
	}
	go feed()
	p.output.copy()
	return p, nil
}

// launch starts the program and waits for it on a locked thread: Linux sends the
// parent-death signal when the thread that started the program ends.
func (p *process) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := family.start(func() (int, error) {
			if err := p.cmd.Start(); err != nil {
				return 0, err
			}
			return p.cmd.Process.Pid, nil
		})
		started <- err
		if err == nil {
			p.waitErr = p.cmd.Wait()
			close(p.exited)
		}
	}()
	return <-started
}

// connectInput sets the input of cmd and returns the function that feeds it. It is not
// waited for: a reader that blocks must not hold a program that has ended.
func connectInput(cmd *exec.Cmd, from io.Reader) (feed func(), err error) {
	if file, ok := from.(*os.File); ok || from == nil {
		if ok {
			cmd.Stdin = file
		}
		return func() {}, nil
	}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return func() {
		_, _ = io.Copy(pipe, from) // a program need not read all of its input
		_ = pipe.Close()
	}, nil
}

// finish waits for the leader, ends what left its group, waits for the output, and returns
// how many processes it could not end, and the errors of writing the output.
func (p *process) finish() (left int, err error) {
	<-p.exited
	left = family.end(p.cmd.Process.Pid)
	return left, p.output.finish(drainTime)
}

func (p *process) exitError(args []string) error {
	if p.cmd.ProcessState == nil {
		return p.waitErr
	}
	state := p.cmd.ProcessState
	if state.Success() {
		return nil
	}
	exit := &command.ExitError{Code: state.ExitCode(), Args: args}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit.Signal = status.Signal().String()
	}
	return exit
}
