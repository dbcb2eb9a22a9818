package bucket

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestADirectoryDoesWhatABucketDoes(t *testing.T) {
	for name, b := range map[string]Bucket{"s3": newCloud(t).store, "directory": OpenDirectory(filepath.Join(t.TempDir(), "artifacts"))} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			require.NoError(t, b.Prepare(ctx))
			for _, key := range []string{StepRecordKey("shop-1", "build", 1), RunRecordKey("shop-1"), StepRecordKey("shop-10", "build", 1), StacksKey("dev")} {
				require.NoError(t, b.Put(ctx, key, []byte("old")))
				require.NoError(t, b.Put(ctx, key, []byte(key)))
				text, err := b.Get(ctx, key)
				require.NoError(t, err)
				assert.Equal(t, key, string(text))
			}
			for prefix, want := range map[string][]string{
				StepRecordsPrefix("shop-1"): {StepRecordKey("shop-1", "build", 1)},
				RunRecordKey("shop-1"):      {RunRecordKey("shop-1")},
				StacksPrefix():              {StacksKey("dev")},
				"nothing/":                  nil,
			} {
				keys, err := b.List(ctx, prefix)
				require.NoError(t, err)
				assert.Equal(t, want, keys, prefix)
			}
			_, err := b.Get(ctx, RunRecordKey("shop-2"))
			require.ErrorIs(t, err, fs.ErrNotExist)

			p := packed(t, workspace(t, 0))
			saved, err := b.Save(ctx, p, about())
			require.NoError(t, err)
			again, err := b.Save(ctx, p, about())
			require.NoError(t, err)
			assert.Equal(t, saved, again)
			assert.Equal(t, ArtifactKey(commit, p.Digest), saved.Key)

			dir := filepath.Join(t.TempDir(), "out")
			require.NoError(t, b.Fetch(ctx, saved.Key, saved.Digest, dir))
			assert.Equal(t, p.Digest, packed(t, dir).Digest)
			text, err := b.FetchFile(ctx, saved.Key, saved.Digest, "dist/app.js")
			require.NoError(t, err)
			assert.Equal(t, "code", string(text))
			_, err = b.FetchFile(ctx, saved.Key, saved.Digest, "missing")
			require.ErrorIs(t, err, fs.ErrNotExist)
			for _, digest := range []string{digestOf(make([]byte, 32)), "sha256:0", ""} {
				require.Error(t, b.Fetch(ctx, saved.Key, digest, filepath.Join(t.TempDir(), "out")), digest)
			}
		})
	}
}

func TestWhatNeedsAWorkspaceGetsTheOneThatItsFlagsName(t *testing.T) {
	b := OpenDirectory(t.TempDir())
	saved, err := b.Save(t.Context(), packed(t, workspace(t, 0)), about())
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	for name, w := range map[string]Workspace{
		"an artifact":                {Artifact: saved.Key, Digest: saved.Digest},
		"what was built of a commit": {ArtifactDir: b.String(), Commit: commit},
	} {
		dir := filepath.Join(t.TempDir(), "workspace")
		found, err := w.Fetch(t.Context(), b, log, dir)
		require.NoError(t, err, name)
		assert.Equal(t, dir, found, name)
		assert.FileExists(t, filepath.Join(dir, "package.json"), name)
	}
	found, err := Workspace{Source: "here"}.Fetch(t.Context(), nil, log, "elsewhere")
	require.NoError(t, err)
	assert.Equal(t, "here", found, "a folder is used as it is, and needs no bucket")
	_, err = Workspace{Commit: strings.Repeat("0", 40)}.Fetch(t.Context(), b, log, t.TempDir())
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "--artifact-dir "+b.String())
}

func TestFlagsThatNameNoWorkspaceOrTwoAreRefused(t *testing.T) {
	for name, w := range map[string]Workspace{
		"none": {}, "bucket alone": {Bucket: "b"}, "two": {Source: "s", Artifact: "a", Bucket: "b", Digest: "d"},
		"folder and directory": {Source: "s", ArtifactDir: "d"}, "bucket and directory": {Bucket: "b", ArtifactDir: "d"},
		"no digest": {Artifact: "a", Bucket: "b"}, "no bucket": {Artifact: "a", Digest: "d"},
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(w.Validate()), name)
	}
	for name, w := range map[string]Workspace{
		"folder": {Source: "s"}, "folder, outputs in a bucket": {Source: "s", Bucket: "b"}, "artifact": {Artifact: "a", Digest: "d", Bucket: "b"}, "directory": {ArtifactDir: "d"},
	} {
		require.NoError(t, w.Validate(), name)
	}
}
