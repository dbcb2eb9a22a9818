package remove_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/command/remove/nobody"
)

func TestReadOnlyFoldersAreRemoved(t *testing.T) {
	if !nobody.Runs(t) {
		return
	}
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.MkdirAll(filepath.Join(outside, "closed"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(outside, "closed"), 0o555))
	dir := filepath.Join(t.TempDir(), "scratch")
	for path, mode := range map[string]os.FileMode{"readonly/deep/er": 0o555, "unreadable/deep": 0o000, "listed/deep": 0o444} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, path), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, path, "file"), nil, 0o444))
		for at := path; at != "."; at = filepath.Dir(at) {
			require.NoError(t, os.Chmod(filepath.Join(dir, at), mode))
		}
	}
	require.NoError(t, os.Symlink(filepath.Join(outside, "closed"), filepath.Join(dir, "link")))
	require.NoError(t, os.Chmod(dir, 0o555))

	require.Error(t, os.RemoveAll(dir), "os.RemoveAll must fail for the test to mean anything")
	require.NoError(t, remove.All(dir))
	assert.NoDirExists(t, dir)
	info, err := os.Stat(filepath.Join(outside, "closed"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o555), info.Mode().Perm())
	require.NoError(t, remove.All(dir), "a missing folder is no error")
}
