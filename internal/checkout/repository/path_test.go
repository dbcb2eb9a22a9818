package repository_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
)

func TestThePathOfAFileInItsRepositoryDoesNotDependOnTheCurrentFolder(t *testing.T) {
	top, outside := t.TempDir(), t.TempDir()
	require.NoError(t, exec.Command("git", "init", "-q", top).Run())
	require.NoError(t, os.MkdirAll(filepath.Join(top, "services", "shop"), 0o755))
	for _, c := range []struct{ from, file, want string }{
		{top, "services/shop.yaml", "services/shop.yaml"},
		{filepath.Join(top, "services"), "shop.yaml", "services/shop.yaml"},
		{filepath.Join(top, "services", "shop"), "../shop.yaml", "services/shop.yaml"},
		{outside, filepath.Join(top, "services", "shop.yaml"), "services/shop.yaml"},
		{outside, "./services//shop.yaml", "services/shop.yaml"},
		{outside, "../shop.yaml", "shop.yaml"},
		{outside, "/nowhere/shop.yaml", "shop.yaml"},
	} {
		t.Chdir(c.from)
		assert.Equal(t, c.want, repository.PathOf(c.file), "%s from %s", c.file, c.from)
	}
}
