package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
)

// serveCommands serves commands on the loopback interface, as in a container of a pod, until
// it is stopped.
func serveCommands(t *testing.T) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- (&remote.Server{Runner: proc.Runner{}, Root: "/"}).Serve(ctx, listener) }()
	var stopped bool
	stop = func() {
		if end(); !stopped {
			stopped = true
			<-served
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// impostor listens at an address in place of a server, and returns the secrets that it is told.
func impostor(t *testing.T, address string) func() []string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	told := make(chan string, 16)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(strings.ToLower(name), "secret") {
				told <- strings.Join(values, "")
			}
		}
		http.Error(w, "no", http.StatusForbidden)
	})}
	go func() { _ = server.Serve(listener) }()
	return func() (all []string) {
		_ = server.Close()
		close(told)
		for secret := range told {
			all = append(all, secret)
		}
		return all
	}
}

// A command of the deployment that is left running meets the server of the tests, in another
// container, before the tests do. Without holdServers it gets what only they may have.
func TestACommandOfTheDeploymentDoesNotComeBeforeTheTests(t *testing.T) {
	for name, held := range map[string]bool{"as the pod does it": true, "unless the server is bound before": false} {
		t.Run(name, func(t *testing.T) {
			deployments, _ := serveCommands(t)
			tests, stopTests := serveCommands(t)
			secret := filepath.Join(t.TempDir(), "test-commands.secret")
			release := func() {}
			if held {
				release = holdServers(t.Context(), []string{"deployer environment", "tester"}, []string{
					"APHEX_COMMANDS=" + deployments, "APHEX_COMMANDS_SECRET=" + filepath.Join(t.TempDir(), "commands.secret"),
					"TESTER_APHEX_COMMANDS=" + tests, "TESTER_APHEX_COMMANDS_SECRET=" + secret,
				})
				defer func() { release() }()
			}
			intruder, err := remote.Dial(t.Context(), remote.Options{Address: tests})
			if held {
				require.ErrorContains(t, err, "the secret is not that of this run")
			} else {
				require.NoError(t, err, "the server obeys it")
				require.NoError(t, intruder.Close())
			}
			tester, end, err := remote.Open(t.Context(), tests, secret, nil)
			if held {
				require.NoError(t, err)
				require.NoError(t, tester.Run(t.Context(), command.Command{Args: []string{"true"}, Stdout: io.Discard, Stderr: io.Discard}))
				end()
			} else {
				require.ErrorIs(t, err, command.ErrGone, "the tests fail")
				secret = filepath.Join(t.TempDir(), "of-another-pod.secret")
			}

			release()
			release = func() {}
			stopTests() // it ended, and the intruder listens in its place
			told := impostor(t, tests)
			_, _, err = remote.Open(t.Context(), tests, secret, nil)
			require.ErrorIs(t, err, command.ErrGone)
			assert.Equal(t, held, len(told()) == 0, "the intruder is told the secret of the tests")
		})
	}
}

func TestAServerThatDidNotGetItsSecretIsNotToldItLater(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	ctx, end := context.WithCancel(t.Context())
	end() // nobody waits for it here
	secret := filepath.Join(t.TempDir(), "test-commands.secret")
	holdServers(ctx, []string{"deployer environment", "tester"}, []string{"TESTER_APHEX_COMMANDS=" + address, "TESTER_APHEX_COMMANDS_SECRET=" + secret})()
	told := impostor(t, address)
	_, _, err = remote.Open(t.Context(), address, secret, nil)
	require.ErrorIs(t, err, command.ErrGone)
	assert.Empty(t, told())
}
