package bucket

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestWithoutABucketTheArchiveLiesInAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "artifacts")
	p := packed(t, workspace(t, 0))
	m, err := OpenDirectory(folder).Save(t.Context(), p, about())
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

func TestAnArtifactIsFetchedFromAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "artifacts")
	p := packed(t, workspace(t, 0))
	saved, err := OpenDirectory(folder).Save(t.Context(), p, about())
	require.NoError(t, err)
	built, err := find(t.Context(), OpenDirectory(folder), commit)
	require.NoError(t, err)
	assert.Equal(t, saved, built)

	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, OpenDirectory(folder).Fetch(t.Context(), built.Key, built.Digest, dir, command.Selection{}))
	assert.Equal(t, p.Digest, packed(t, dir).Digest)

	require.NoError(t, os.WriteFile(filepath.Join(folder, built.Key), []byte("another"), 0o644))
	err = OpenDirectory(folder).Fetch(t.Context(), built.Key, built.Digest, filepath.Join(t.TempDir(), "out"), command.Selection{})
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.ErrorContains(t, err, built.Key)
}

func TestTheHintForAMissingArtifactIsToBuildIt(t *testing.T) {
	folder := t.TempDir()
	_, err := find(t.Context(), OpenDirectory(folder), commit)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "builder --source . --commit "+commit)

	for _, document := range []string{"{", `{"key": "../x", "digest": "` + digestOf(make([]byte, 32)) + `"}`, `{"key": "x", "digest": "sha256:0"}`} {
		require.NoError(t, OpenDirectory(folder).Put(t.Context(), DocumentKey(commit), []byte(document)))
		_, err = find(t.Context(), OpenDirectory(folder), commit)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), document)
	}
}

func TestAFolderThatCannotBeWrittenToIsFoundBeforehand(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	require.NoError(t, OpenDirectory(folder).Prepare(t.Context()))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Equal(t, errs.Invalid, errs.KindOf(OpenDirectory("/proc/artifacts").Prepare(t.Context())))
}

func TestAnArchiveThatCannotBeReadIsNotReportedAsWriting(t *testing.T) {
	p := packed(t, workspace(t, 0))
	for name, file := range map[string]string{"missing": p.File + "-gone", "a folder": t.TempDir()} {
		p.File = file
		folder := t.TempDir()
		_, err := OpenDirectory(folder).Save(t.Context(), p, about())
		require.ErrorContains(t, err, file, name)
		assert.NotContains(t, err.Error(), folder, name)
		assert.NotContains(t, err.Error(), "writing", name)
		keys, err := OpenDirectory(folder).List(t.Context(), "")
		require.NoError(t, err)
		assert.Empty(t, keys, name)
	}
}
