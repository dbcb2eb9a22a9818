package conformance_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is a deployer at work.
type running struct {
	t       *testing.T
	command *exec.Cmd
	mu      sync.Mutex
	output  bytes.Buffer
	ended   chan struct{}
}

// start begins a deployment as deployer does. The process ends with the test.
func (c *cloud) start(app string, args ...string) *running {
	c.t.Helper()
	r := &running{t: c.t, command: c.deployment(c.t.Context(), app, args...), ended: make(chan struct{})}
	r.command.Stdout, r.command.Stderr = r, r
	require.NoError(c.t, r.command.Start())
	go func() {
		_ = r.command.Wait() // how it ended is asked of its state
		close(r.ended)
	}()
	return r
}

// Write takes what the process prints.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.Write(p)
}

// printed is what the process has printed so far.
func (r *running) printed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

// prints waits until the process has printed a text.
func (r *running) prints(text string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return strings.Contains(r.printed(), text) }, patience, 10*time.Millisecond, "it never printed %q: %s", text, r.printed())
}

// kill kills the process with SIGKILL, and reports whether it was still running.
func (r *running) kill() (killed bool) {
	r.t.Helper()
	_ = r.command.Process.Kill() // an error says that it has ended
	r.wait()
	return r.command.ProcessState.ExitCode() == -1
}

// wait returns the exit code, -1 of a killed process.
func (r *running) wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		require.Fail(r.t, "the deployer does not end", r.printed())
	}
	return r.command.ProcessState.ExitCode()
}

// exitCode distinguishes an exit code from a program that could not be started.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
