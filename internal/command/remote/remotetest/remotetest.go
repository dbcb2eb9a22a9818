// Package remotetest runs commands as another container of the pod would: behind a
// server, with the files at other paths than ours.
package remotetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
)

// Start returns a runner whose commands have their files below a folder of their own. As
// both are on one machine, a command could reach ours all the same; so the test fails
// when a command is given a path of ours.
func Start(t *testing.T) *Runner {
	t.Helper()
	dir, err := os.MkdirTemp("", "theirs") // short: the socket's path is limited
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := filepath.Join(dir, "socket")
	listener, err := remote.Listen(address)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	root := filepath.Join(dir, "root")
	go func() { ended <- (&remote.Server{Runner: proc.Runner{}, Root: root}).Serve(ctx, listener) }()
	client, err := remote.Dial(t.Context(), remote.Options{Address: address})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = client.Close()
		stop()
		assert.NoError(t, <-ended)
	})
	return &Runner{Client: client, Root: root, t: t}
}

// Runner is a client that knows which paths are ours.
type Runner struct {
	*remote.Client
	Root string // the folder that has the files of the commands
	t    *testing.T
}

// Run runs a command that names files of its own only.
func (r *Runner) Run(ctx context.Context, c command.Command) error {
	base := r.Environ()
	for _, text := range slices.Concat([]string{c.Dir}, c.Args, c.Env) {
		if name, _, _ := strings.Cut(text, "="); slices.Contains(base, text) || name == "HOME" || name == "TMPDIR" || name == "PATH" {
			continue
		}
		theirs := strings.ReplaceAll(text, filepath.Join(r.Root, os.TempDir()), "")
		assert.NotContains(r.t, theirs, os.TempDir()+string(filepath.Separator), "a command is given a path of ours")
	}
	return r.Client.Run(ctx, c)
}
