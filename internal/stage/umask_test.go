//go:build !windows

package stage

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Argo starts programs with umask 0; a person's may be stricter.
func TestNobodyElseMayWriteToWhatAProgramCreates(t *testing.T) {
	former := syscall.Umask(0)
	defer syscall.Umask(former)
	for given, want := range map[int]os.FileMode{0: 0o644, 0o022: 0o644, 0o002: 0o644, 0o077: 0o600} {
		syscall.Umask(given)
		_, stop := SignalContext()
		stop()
		file := filepath.Join(t.TempDir(), "created")
		require.NoError(t, os.WriteFile(file, nil, 0o666))
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), "%o", given)
	}
}
