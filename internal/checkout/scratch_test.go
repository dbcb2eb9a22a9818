package checkout

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestScratchIsInTheFolderForTemporaryFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, err := Scratch("build-")
	require.NoError(t, err)
	found, err := filepath.Glob(filepath.Join(dir, "..", "build-*"))
	require.NoError(t, err)
	assert.Len(t, found, 1)
}

func TestScratchWithoutAWritableFolderHasAHint(t *testing.T) {
	t.Setenv("TMPDIR", "/proc")
	_, err := Scratch("build-")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.ErrorContains(t, err, `"/proc"`)
	assert.Contains(t, errs.HintOf(err), "TMPDIR")
}
