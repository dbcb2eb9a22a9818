package remote_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
	"github.com/aphex/aphex-pipeline/internal/command/remove/nobody"
)

func TestOnlyTheFirstSecretIsTaken(t *testing.T) {
	t.Parallel()
	_, address := startServer(t, "/")
	secret := bytes.Repeat([]byte{7}, 32)
	first, err := remote.Dial(t.Context(), remote.Options{Address: address, Secret: secret})
	require.NoError(t, err)
	defer first.Close()
	_, err = remote.Dial(t.Context(), remote.Options{Address: address})
	require.ErrorContains(t, err, "the secret is not that of this run")
	require.ErrorIs(t, err, command.ErrGone)
	second, err := remote.Dial(t.Context(), remote.Options{Address: address, Secret: secret})
	require.NoError(t, err, "the next program of the same run")
	defer second.Close()
	assert.NoError(t, first.Run(t.Context(), command.Command{Args: []string{"true"}}))
	assert.NoError(t, second.Run(t.Context(), command.Command{Args: []string{"true"}}))

	_, open := startServer(t, "/")
	intruder, err := remote.Dial(t.Context(), remote.Options{Address: open})
	require.NoError(t, err, "a server that has no secret yet takes that of whoever comes first")
	defer intruder.Close()
	assert.NoError(t, intruder.Run(t.Context(), command.Command{Args: []string{"true"}}), "and obeys")
	_, err = remote.Dial(t.Context(), remote.Options{Address: open, Secret: secret})
	assert.ErrorIs(t, err, command.ErrGone, "which the run notices")
}

func TestAServerThatHasTheSecretProvesItBeforeItIsToldAgain(t *testing.T) {
	t.Parallel()
	_, address := startServer(t, "/")
	file := filepath.Join(t.TempDir(), "secret")
	for _, program := range []string{"deployer", "tester", "another"} {
		runner, end, err := remote.Open(t.Context(), address, file, nil)
		require.NoError(t, err, program)
		require.NoError(t, runner.Run(t.Context(), command.Command{Args: []string{"true"}}), program)
		end()
	}
	_, again := startServer(t, "/")
	_, _, err := remote.Open(t.Context(), again, file, nil)
	require.ErrorContains(t, err, "it has started again", "and has forgotten the run")
	require.ErrorIs(t, err, command.ErrGone)
	_, other := startServer(t, "/")
	first, err := remote.Dial(t.Context(), remote.Options{Address: other})
	require.NoError(t, err)
	defer first.Close()
	_, _, err = remote.Open(t.Context(), other, file, nil)
	require.ErrorContains(t, err, "it does not know the secret of this run", "but that of another run")
}

// TestCommandsCannotReadTheMemoryOfTheServer has a command read it as an attacker would. First from a server that is not
// protected: there it succeeds.
func TestCommandsCannotReadTheMemoryOfTheServer(t *testing.T) {
	if !nobody.Runs(t) {
		return
	}
	attack := `for file in environ maps mem; do (exec < /proc/$PPID/$file) 2>/dev/null && echo "$file"; done; ls /proc/$PPID/fd 2>/dev/null | head -1; true`
	read := func(variables ...string) string {
		_, address := startServer(t, "/", variables...)
		client, err := remote.Dial(t.Context(), remote.Options{Address: address})
		require.NoError(t, err)
		defer client.Close()
		var out bytes.Buffer
		require.NoError(t, client.Run(t.Context(), command.Command{Args: []string{"sh", "-c", attack}, Stdout: &out}))
		return out.String()
	}
	require.Equal(t, "environ\nmaps\nmem\n0\n", read(looseVariable+"=1"))
	assert.Empty(t, read())
}

func TestCommandsInheritNoDescriptor(t *testing.T) {
	t.Parallel()
	var here, there bytes.Buffer
	list := command.Command{Args: []string{"ls", "/proc/self/fd"}}
	list.Stdout = &here
	require.NoError(t, proc.Runner{}.Run(t.Context(), list))
	list.Stdout = &there
	require.NoError(t, connect(t).Run(t.Context(), list))
	assert.Equal(t, here.String(), there.String(), "the server gets what we have and did not open ourselves")
}

// TestAServerThatStartsAgainIsNotTheSame kills a server, takes its place, and sees that nobody comes.
func TestAServerThatStartsAgainIsNotTheSame(t *testing.T) {
	t.Parallel()
	process, address := startServer(t, "/")
	client, err := remote.Dial(t.Context(), remote.Options{Address: address})
	require.NoError(t, err)
	defer client.Close()
	began := time.Now()
	ended := make(chan error)
	go func() {
		ended <- client.Run(t.Context(), command.Command{Args: []string{"sleep", "60"}})
	}()
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, process.Kill())
	err = <-ended
	require.ErrorIs(t, err, command.ErrGone)
	require.ErrorContains(t, err, "the container that runs the commands is gone")
	assert.Less(t, time.Since(began), 10*time.Second)

	require.NoError(t, os.RemoveAll(address))
	listener, err := net.Listen("unix", address)
	require.NoError(t, err)
	defer listener.Close()
	came := make(chan struct{})
	go func() {
		if _, err := listener.Accept(); err == nil {
			close(came)
		}
	}()
	require.ErrorIs(t, client.Run(t.Context(), command.Command{Args: []string{"true"}}), command.ErrGone)
	_, err = client.LookPath("sh")
	require.ErrorIs(t, err, command.ErrGone)
	require.ErrorIs(t, client.Send(t.Context(), t.TempDir()), command.ErrGone)
	select {
	case <-came:
		t.Error("the client connected again")
	case <-time.After(100 * time.Millisecond):
	}
}

func TestTheEndOfAClientStopsItsCommands(t *testing.T) {
	t.Parallel()
	client := connect(t)
	file := t.TempDir() + "/stopped"
	out := &signalling{begun: make(chan struct{})}
	go func() {
		_ = client.Run(t.Context(), command.Command{
			Args: []string{"sh", "-c", `trap 'touch "$0"; exit' TERM; echo begun; while :; do sleep 0.05; done`, file}, Stdout: out,
		})
	}()
	<-out.begun
	require.NoError(t, client.Close())
	assert.Eventually(t, func() bool { _, err := os.Stat(file); return err == nil }, 5*time.Second, 20*time.Millisecond)
}

type signalling struct {
	strings.Builder
	begun chan struct{}
}

func (s *signalling) Write(p []byte) (int, error) {
	close(s.begun)
	return len(p), nil
}
