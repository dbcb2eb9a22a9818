package checkout

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// plainFolder makes a folder with all kinds of entries.
func plainFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.txt": "a", "deep/er/b.txt": "b", ".git/HEAD": "x", ".aphex/run": "x", "sub/.git/HEAD": "inner", "sub/.github/kept": "inner", "node_modules/p/index.js": "p",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "a.txt"), 0o755))
	require.NoError(t, os.Symlink("../outside", filepath.Join(dir, "link")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	return dir
}

func TestASnapshotLeavesOutVersionControlAndLocalRuns(t *testing.T) {
	source := plainFolder(t)
	dest := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, Snapshot(t.Context(), io.Discard, source, dest))
	for name, want := range map[string]string{"a.txt": "a", "deep/er/b.txt": "b", "sub/.github/kept": "inner", "node_modules/p/index.js": "p"} {
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
	assert.NoDirExists(t, filepath.Join(dest, ".git"))
	assert.NoDirExists(t, filepath.Join(dest, "sub/.git"), "of a submodule")
	assert.NoDirExists(t, filepath.Join(dest, ".aphex"))
}

func TestASnapshotLeavesOutTheGivenFolders(t *testing.T) {
	source := plainFolder(t)
	dest := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, Snapshot(t.Context(), io.Discard, source, dest, filepath.Join(source, "deep", "er"), ""))
	assert.DirExists(t, filepath.Join(dest, "deep"))
	assert.NoDirExists(t, filepath.Join(dest, "deep", "er"))
}

func TestASnapshotMayBeInItsSource(t *testing.T) {
	source := plainFolder(t)
	require.NoError(t, Snapshot(t.Context(), io.Discard, source, filepath.Join(source, "copy")))
	assert.NoDirExists(t, filepath.Join(source, "copy", "copy"))
	entries, err := os.ReadDir(filepath.Join(source, "copy"))
	require.NoError(t, err)
	assert.Len(t, entries, 6)
}

func TestASnapshotNeedsASourceAndAnEmptyTarget(t *testing.T) {
	source := plainFolder(t)
	assert.Equal(t, errs.Invalid, errs.KindOf(Snapshot(t.Context(), io.Discard, source, source)))
	assert.Equal(t, errs.Invalid, errs.KindOf(Snapshot(t.Context(), io.Discard, filepath.Join(source, "missing"), filepath.Join(t.TempDir(), "x"))))
}

func TestACancelledSnapshotLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dest := filepath.Join(t.TempDir(), "copy")
	assert.ErrorIs(t, Snapshot(ctx, io.Discard, plainFolder(t), dest), context.Canceled)
	assertNothingLeft(t, dest)
}

func TestASnapshotNamesThePointersOfLFS(t *testing.T) {
	source := plainFolder(t)
	pointer := pointerStart + "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	for name, content := range map[string]string{
		"logo.bin": pointer, "deep/er/film.bin": pointer, ".git/hidden": pointer, "long.txt": pointer + strings.Repeat("x", maxPointer), "short.txt": "version https",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(source, name), []byte(content), 0o644))
	}
	var progress bytes.Buffer
	dest := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, Snapshot(t.Context(), &progress, source, dest))
	assert.Equal(t, "files in Git LFS are not fetched; these stay pointers: \"deep/er/film.bin\", \"logo.bin\" (`git lfs pull` in the folder fetches them)\n", progress.String())
	copied, err := os.ReadFile(filepath.Join(dest, "logo.bin"))
	require.NoError(t, err)
	assert.Equal(t, pointer, string(copied))

	progress.Reset()
	require.NoError(t, Snapshot(t.Context(), &progress, plainFolder(t), filepath.Join(t.TempDir(), "copy")))
	assert.Empty(t, progress.String())
}
