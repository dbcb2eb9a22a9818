package assets_test

import (
	"archive/zip"
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func pack(t *testing.T, dir, root string) []byte {
	t.Helper()
	var archive bytes.Buffer
	require.NoError(t, assets.Zip(&archive, dir, root, limits.Workspace().Meter(math.MaxInt64)))
	return archive.Bytes()
}

func TestAnArchiveHasAllFilesWithTheirModesAndOneDate(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "asset.1")
	write(t, filepath.Join(dir, "b.txt"), "b")
	write(t, filepath.Join(dir, ".hidden", "a"), "a")
	require.NoError(t, os.Chmod(write(t, filepath.Join(dir, "run.sh"), "#!"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o755))
	shared := write(t, filepath.Join(root, "asset.2", "shared.txt"), "shared")
	require.NoError(t, os.Symlink(shared, filepath.Join(dir, "link.txt")))
	require.NoError(t, os.Symlink(filepath.Dir(shared), filepath.Join(dir, "linked")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	require.NoError(t, os.Symlink("itself", filepath.Join(dir, "itself")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))

	src := pack(t, dir, root)
	archive, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	require.NoError(t, err)
	files := map[string]string{}
	var names []string
	for _, file := range archive.File {
		r, err := file.Open()
		require.NoError(t, err)
		text, _ := io.ReadAll(r)
		files[file.Name] = string(text)
		names = append(names, file.Name)
		assert.Equal(t, time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), file.Modified.UTC())
		assert.Empty(t, file.Extra, "no field that depends on the machine")
	}
	assert.Equal(t, []string{".hidden/a", "b.txt", "link.txt", "linked/shared.txt", "run.sh"}, names)
	assert.Equal(t, "shared", files["link.txt"])
	run, err := archive.Open("run.sh")
	require.NoError(t, err)
	info, _ := run.Stat()
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
}

func TestEqualFoldersGiveEqualArchives(t *testing.T) {
	var archives [][]byte
	for range 2 {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "x", "y"), "z")
		archives = append(archives, pack(t, dir, dir))
		time.Sleep(10 * time.Millisecond)
	}
	assert.Equal(t, archives[0], archives[1])
}

func TestALinkOutOfTheAssemblyIsRefused(t *testing.T) {
	root := t.TempDir()
	secret := write(t, filepath.Join(t.TempDir(), "secret"), "s")
	for name, target := range map[string]string{"file": secret, "folder": filepath.Dir(secret)} {
		dir := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.Symlink(target, filepath.Join(dir, "link")))
		err := assets.Zip(io.Discard, dir, root, limits.Workspace().Meter(math.MaxInt64))
		require.ErrorContains(t, err, "points outside of the cloud assembly")

		packed := pack(t, dir, filepath.Dir(root))
		archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		require.NoError(t, err)
		require.Len(t, archive.File, 1)
		content, err := archive.File[0].Open()
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		assert.Equal(t, "s", string(text), "with the folder above as the assembly, the secret is published")
	}
}
