package archive_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// repack repacks a tar, and unpacks all but what is below a folder "src".
func repack(t *testing.T, tar io.Reader, budget limits.Budget, excluded func(string) bool) (packed []byte, dir string, done archive.Contents, err error) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.Mkdir(dir, 0o755))
	var out bytes.Buffer
	done, err = archive.Repack(t.Context(), &out, tar, dir, budget, excluded, func(path string, isFolder bool) bool { return isFolder && path == "src" })
	return out.Bytes(), dir, done, err
}

func TestATarIsRepackedAsTheFolderThatItHolds(t *testing.T) {
	source := workspace(t)
	require.NoError(t, os.Symlink("../large", filepath.Join(source, "src", "link")))
	require.NoError(t, os.WriteFile(filepath.Join(source, "src.md"), []byte("after a folder whose name begins alike"), 0o644))
	var tar bytes.Buffer
	_, err := archive.PackTar(t.Context(), &tar, source, func(string, bool) bool { return false })
	require.NoError(t, err)
	excluded := func(path string) bool { return path == ".git" }
	want, contents := pack(t, source, excluded)

	got, dir, done, err := repack(t, &tar, limits.Budget{}, excluded)
	require.NoError(t, err)
	assert.Equal(t, contents, done)
	assert.True(t, bytes.Equal(want, got), "the archives are equal")
	assert.NoDirExists(t, filepath.Join(dir, "src"))
	for _, name := range []string{"large", "package.json", "ümläut/日本語", "src.md", ".git/HEAD"} {
		want, err := os.ReadFile(filepath.Join(source, name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
}

func TestAHostileTarIsNotRepacked(t *testing.T) {
	cases := hostile()
	cases["another order"] = append(cases["another order"], regular("b"), regular("a"))
	cases["a folder's content later"] = append(cases["a folder's content later"], folder("a"), regular("b"), regular("a/b"))
	cases["left out without folder"] = append(cases["left out without folder"], folder("src"), regular("src/a/b"))
	cases["left out twice"] = append(cases["left out twice"], folder("src"), regular("src/a"), regular("src/a"))
	cases["a parent in what is left out"] = append(cases["a parent in what is left out"], folder("src"), regular("src/../../evil"))
	for name, entries := range cases {
		t.Run(name, func(t *testing.T) {
			tar, err := zstd.NewReader(bytes.NewReader(made(t, entries...)))
			require.NoError(t, err)
			defer tar.Close()
			_, dir, _, err := repack(t, tar, limits.Budget{}, nothing)
			require.ErrorIs(t, err, archive.ErrHostile)
			outside, err := os.ReadDir(filepath.Dir(dir))
			require.NoError(t, err)
			assert.Len(t, outside, 1)
		})
	}
	tar, err := zstd.NewReader(bytes.NewReader(made(t, folder("src"), regular("src/a"), regular("src/b"))))
	require.NoError(t, err)
	defer tar.Close()
	_, _, _, err = repack(t, tar, limits.Budget{Bytes: 5}, nothing)
	require.ErrorIs(t, err, archive.ErrHostile, "what is left out counts")
}

func TestATarThatIsCutOrNoLongerWantedIsNotRepacked(t *testing.T) {
	var tar bytes.Buffer
	_, err := archive.PackTar(t.Context(), &tar, workspace(t), func(string, bool) bool { return false })
	require.NoError(t, err)
	_, _, _, err = repack(t, bytes.NewReader(tar.Bytes()[:tar.Len()/2]), limits.Budget{}, nothing)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = archive.Repack(ended, io.Discard, bytes.NewReader(tar.Bytes()), t.TempDir(), limits.Budget{}, nothing, func(string, bool) bool { return false })
	require.ErrorIs(t, err, context.Canceled)
}
