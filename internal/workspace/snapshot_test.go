package workspace

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

// plainFolder makes a folder with all kinds of entries.
func plainFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.txt": "a", "deep/er/b.txt": "b", ".git/HEAD": "x", ".aphex/run": "x", "sub/.git/kept": "inner", "node_modules/p/index.js": "p",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "a.txt"), 0o755))
	require.NoError(t, os.Symlink("../outside", filepath.Join(dir, "link")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	return dir
}

func TestASnapshotHoldsAllButVersionControlAndLocalRuns(t *testing.T) {
	source := plainFolder(t)
	dest := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, Snapshot(t.Context(), source, dest))
	for name, want := range map[string]string{"a.txt": "a", "deep/er/b.txt": "b", "sub/.git/kept": "inner", "node_modules/p/index.js": "p"} {
		got, err := os.ReadFile(filepath.Join(dest, name))
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	info, err := os.Stat(filepath.Join(dest, "a.txt"))
	require.NoError(t, err)
	original, err := os.Stat(filepath.Join(source, "a.txt"))
	require.NoError(t, err)
	assert.Equal(t, original.Mode(), info.Mode())
	assert.Equal(t, original.ModTime(), info.ModTime())
	target, err := os.Readlink(filepath.Join(dest, "link"))
	require.NoError(t, err)
	assert.Equal(t, "../outside", target)
	assert.DirExists(t, filepath.Join(dest, "empty"))
	assert.NoFileExists(t, filepath.Join(dest, ".git"))
	assert.NoFileExists(t, filepath.Join(dest, ".aphex"))
}

func TestASnapshotLeavesOutTheFoldersThatItIsTold(t *testing.T) {
	source := plainFolder(t)
	dest := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, Snapshot(t.Context(), source, dest, filepath.Join(source, "deep", "er"), ""))
	assert.DirExists(t, filepath.Join(dest, "deep"))
	assert.NoDirExists(t, filepath.Join(dest, "deep", "er"))
}

func TestASnapshotMayLieInItsSource(t *testing.T) {
	source := plainFolder(t)
	require.NoError(t, Snapshot(t.Context(), source, filepath.Join(source, "copy")))
	assert.NoDirExists(t, filepath.Join(source, "copy", "copy"))
	entries, err := os.ReadDir(filepath.Join(source, "copy"))
	require.NoError(t, err)
	assert.Len(t, entries, 6)
}

func TestASnapshotOfNothingOrOntoSomethingIsRefused(t *testing.T) {
	source := plainFolder(t)
	assert.Equal(t, fault.Invalid, fault.KindOf(Snapshot(t.Context(), source, source)))
	assert.Equal(t, fault.Invalid, fault.KindOf(Snapshot(t.Context(), filepath.Join(source, "missing"), filepath.Join(t.TempDir(), "x"))))
}

func TestACancelledSnapshotLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dest := filepath.Join(t.TempDir(), "copy")
	assert.ErrorIs(t, Snapshot(ctx, plainFolder(t), dest), context.Canceled)
	assertNothingLeft(t, dest)
}
