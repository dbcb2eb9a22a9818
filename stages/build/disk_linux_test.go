package build_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// disk mounts a disk of some MiB.
func disk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size))
	if errors.Is(err, syscall.EPERM) {
		t.Skip("only root can mount a small disk")
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// A commit of 3 MB needs its pack, its files and its artifact at once. Whichever of them
// fills the disk, the run may be tried again on another node.
func TestADiskThatIsFullIsNamedWhereverItFillsUp(t *testing.T) {
	r := gittest.New(t)
	r.Write("aphex-config.yaml", "version: \"1.0\"\nbuild: {commands: [\"true\"]}\nenvironments: [{name: dev, account: '111111111111', region: eu-west-1, stacks: [{name: Api}]}]\n")
	content := make([]byte, 3<<20)
	_, _ = rand.Read(content)
	r.Write("large", string(content))
	commit := r.Commit("large")
	url := r.Serve()
	built := ""
	for _, size := range []int{1, 2, 4, 5, 7, 8, 16} {
		t.Run(fmt.Sprint(size, " MiB"), func(t *testing.T) {
			room := disk(t, size)
			t.Setenv("TMPDIR", room)
			out, folder, log, err := buildFrom(t, url, commit)
			if err == nil {
				built = filepath.Join(folder, out.Artifact)
				copied, err := os.ReadFile(built)
				require.NoError(t, err)
				built = filepath.Join(filepath.Dir(r.Dir), "artifact")
				require.NoError(t, os.WriteFile(built, copied, 0o600))
				assert.Greater(t, size, 4)
				return
			}
			assert.Less(t, size, 16, "it is enough")
			assert.Equal(t, errs.Failed, errs.KindOf(err), "%v %s", err, log)
			assert.Contains(t, errs.HintOf(err), "podLimits.storage")
			assert.ErrorContains(t, err, room)
			left, readErr := os.ReadDir(room)
			require.NoError(t, readErr)
			assert.Empty(t, left, "what was written before is removed")
		})
	}
	require.NotEmpty(t, built)

	for _, size := range []int{1, 2} {
		room := disk(t, size)
		digest, err := digestOf(built)
		require.NoError(t, err)
		store := t.TempDir()
		key := bucket.ArtifactKey(commit, digest)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(store, key)), 0o755))
		require.NoError(t, os.Rename(built, filepath.Join(store, key)))
		err = bucket.OpenDirectory(store).Fetch(t.Context(), key, digest, filepath.Join(room, "workspace"), command.Selection{})
		require.Error(t, err)
		assert.Equal(t, errs.Failed, errs.KindOf(err), err)
		assert.ErrorContains(t, err, room)
		require.NoError(t, os.Rename(filepath.Join(store, key), built))
	}
}

func digestOf(file string) (string, error) {
	content, err := os.ReadFile(file)
	return fmt.Sprintf("sha256:%x", sha256.Sum256(content)), err
}
