package bucket

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestWithoutABucketTheArchiveLiesInAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "artifacts")
	p := packed(t, workspace(t, 0))
	m, err := Folders{}.Save(folder, p, about())
	require.NoError(t, err)
	digest, err := digestOfFile(filepath.Join(folder, m.Key))
	require.NoError(t, err)
	assert.Equal(t, p.Digest, digest)
	text, err := os.ReadFile(filepath.Join(folder, commit, "artifact.json"))
	require.NoError(t, err)
	var document Metadata
	require.NoError(t, json.Unmarshal(text, &document))
	assert.Equal(t, m, document)
	entries, err := os.ReadDir(filepath.Join(folder, commit))
	require.NoError(t, err)
	assert.Len(t, entries, 2)
}

func TestWhatWasBuiltComesBackFromAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "artifacts")
	p := packed(t, workspace(t, 0))
	saved, err := Folders{}.Save(folder, p, about())
	require.NoError(t, err)
	built, err := Folders{}.Open(folder, commit)
	require.NoError(t, err)
	assert.Equal(t, saved, built)

	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, Folders{}.Fetch(t.Context(), folder, built.Key, built.Digest, dir))
	assert.Equal(t, p.Digest, packed(t, dir).Digest)

	require.NoError(t, os.WriteFile(filepath.Join(folder, built.Key), []byte("another"), 0o644))
	err = Folders{}.Fetch(t.Context(), folder, built.Key, built.Digest, filepath.Join(t.TempDir(), "out"))
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.ErrorContains(t, err, built.Key)
}

func TestAFolderWithoutWhatWasBuiltSaysHowToBuildIt(t *testing.T) {
	folder := t.TempDir()
	_, err := Folders{}.Open(folder, commit)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "builder --source . --commit "+commit)

	for _, document := range []string{"{", `{"key": "../x", "digest": "` + digestOf(make([]byte, 32)) + `"}`, `{"key": "x", "digest": "sha256:0"}`} {
		require.NoError(t, Folders{}.Put(t.Context(), folder, MetadataKey(commit), []byte(document)))
		_, err = Folders{}.Open(folder, commit)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), document)
	}
}

func TestDocumentsLieInAFolderUnderTheirKeys(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, Folders{}.Put(t.Context(), folder, "a/b.json", []byte("{}")))
	data, err := Folders{}.Get(t.Context(), folder, "a/b.json")
	require.NoError(t, err)
	assert.Equal(t, "{}", string(data))
}

func TestAFolderThatCannotBeWrittenToIsFoundBeforehand(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	require.NoError(t, Folders{}.Prepare(folder))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Equal(t, errs.Invalid, errs.KindOf(Folders{}.Prepare("/proc/artifacts")))
}
