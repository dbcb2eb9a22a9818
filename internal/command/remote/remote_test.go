package remote_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/commandtest"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
)

const (
	addressVariable = "REMOTE_TEST_ADDRESS" // makes the test program a server
	rootVariable    = "REMOTE_TEST_ROOT"
	looseVariable   = "REMOTE_TEST_LOOSE" // that others can look into
)

func TestMain(m *testing.M) {
	if address := os.Getenv(addressVariable); address != "" {
		serve(address)
		return
	}
	os.Exit(m.Run())
}

func serve(address string) {
	if os.Getenv(looseVariable) == "" {
		if err := remote.Harden(); err != nil {
			panic(err)
		}
	}
	network := "tcp"
	if strings.Contains(address, "/") {
		network = "unix"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		panic(err)
	}
	server := &remote.Server{Runner: proc.Runner{}, Root: os.Getenv(rootVariable)}
	if err := server.Serve(context.Background(), listener); err != nil {
		panic(err)
	}
}

// startServer starts a server as a process of its own, and returns its process and address.
func startServer(t *testing.T, root string, variables ...string) (*os.Process, string) {
	t.Helper()
	address := filepath.Join(shortDir(t), "socket")
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), append(variables, addressVariable+"="+address, rootVariable+"="+root)...)
	server.Stderr = os.Stderr
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	return server.Process, address
}

// shortDir is a folder whose name is short enough for a Unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "r")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// connect starts a server with another root than ours, and binds it.
func connect(t *testing.T) *remote.Client {
	t.Helper()
	_, address := startServer(t, t.TempDir())
	client, err := remote.Dial(t.Context(), remote.Options{Address: address})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAServerIsARunner(t *testing.T) { commandtest.Run(t, connect(t)) }
