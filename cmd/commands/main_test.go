package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// TestMain makes the test program the program, as often as it calls itself.
func TestMain(m *testing.M) {
	if os.Getenv("COMMANDS_TEST") != "" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

func program(args ...string) (*exec.Cmd, *bytes.Buffer) {
	var said bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "COMMANDS_TEST=1")
	cmd.Stdout, cmd.Stderr = &said, &said
	return cmd, &said
}

func TestAServerIsWaitedForAndEndsAtOnceWithSuccess(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	address := filepath.Join(dir, "socket")
	early, said := program("wait", address, "--for", "50ms")
	require.Error(t, early.Run())
	assert.Contains(t, said.String(), "no server at "+address+" after 50ms")

	server, _ := program("serve", address, "--root", dir)
	require.NoError(t, server.Start())
	defer func() { _ = server.Process.Kill() }()
	waiting, said := program("wait", address, "--for", "10s")
	require.NoError(t, waiting.Run(), "%s", said)

	client, err := remote.Dial(t.Context(), remote.Options{Address: address})
	require.NoError(t, err)
	defer client.Close()
	failed := make(chan error, 1)
	go func() {
		failed <- client.Run(t.Context(), command.Command{
			Args: []string{"sh", "-c", "trap '' TERM; echo $$ > " + filepath.Join(dir, "pid") + "; while :; do sleep 1; done"}, Limit: 20 * time.Second,
		})
	}()
	pid := 0
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	}, time.Minute, 10*time.Millisecond)
	defer func() { _ = syscall.Kill(-pid, syscall.SIGKILL) }() // in a pod it ends with the container
	began := time.Now()
	require.NoError(t, server.Process.Signal(syscall.SIGTERM))
	require.NoError(t, server.Wait(), "another exit code could be taken for the one of ours")
	assert.Less(t, time.Since(began), time.Second, "each second is one of the pod")
	require.ErrorIs(t, <-failed, command.ErrGone)
}

func TestOnlyTheLoopbackInterfaceIsServed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:7000", ":7000", "example.test:7000", "10.0.0.1:7000", "7000"} {
		_, err := remote.Listen(address)
		require.Equal(t, errs.Invalid, errs.KindOf(err), address)
		_, err = remote.Dial(t.Context(), remote.Options{Address: address})
		require.Equal(t, errs.Invalid, errs.KindOf(err), address)
	}
	wrong, said := program("serve", "0.0.0.0:7000")
	var exit *exec.ExitError
	require.True(t, errors.As(wrong.Run(), &exit))
	assert.Equal(t, 2, exit.ExitCode())
	assert.Contains(t, said.String(), "no address of the loopback interface")
}
