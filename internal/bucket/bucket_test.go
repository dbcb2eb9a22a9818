package bucket

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
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
			require.NoError(t, b.Fetch(ctx, saved.Key, saved.Digest, dir, command.Selection{}))
			assert.Equal(t, p.Digest, packed(t, dir).Digest)
			text, err := b.FetchFile(ctx, saved.Key, saved.Digest, "dist/app.js")
			require.NoError(t, err)
			assert.Equal(t, "code", string(text))
			_, err = b.FetchFile(ctx, saved.Key, saved.Digest, "missing")
			require.ErrorIs(t, err, fs.ErrNotExist)
			var copied bytes.Buffer
			beside := filepath.Join(t.TempDir(), "beside")
			require.NoError(t, b.FetchTar(ctx, saved.Key, saved.Digest, beside, command.Selection{}, &copied))
			assert.Equal(t, p.Digest, packed(t, unpacked(t, &copied)).Digest)
			assert.Equal(t, p.Digest, packed(t, beside).Digest)
			copied.Reset()
			require.NoError(t, b.FetchTar(ctx, saved.Key, saved.Digest, "", command.Selection{}, &copied))
			assert.Equal(t, p.Digest, packed(t, unpacked(t, &copied)).Digest)
			for _, digest := range []string{digestOf(make([]byte, 32)), "sha256:0", ""} {
				require.Error(t, b.FetchTar(ctx, saved.Key, digest, filepath.Join(t.TempDir(), "out"), command.Selection{}, &copied), digest)
				assert.Zero(t, copied.Len(), "nothing is passed on before its digest is known")
				require.Error(t, b.Fetch(ctx, saved.Key, digest, filepath.Join(t.TempDir(), "out"), command.Selection{}), digest)
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

// unpacked is the folder of a tar.
func unpacked(t *testing.T, tar io.Reader) string {
	t.Helper()
	dir := t.TempDir()
	_, err := archive.UnpackTar(t.Context(), tar, dir, archive.Limits{})
	require.NoError(t, err)
	return dir
}

// elsewhere is where commands have other files than we.
type elsewhere struct {
	command.Files
	sent    map[string]bytes.Buffer // by path
	refused error
}

func (e *elsewhere) Send(_ context.Context, path string) error {
	e.sent[path] = bytes.Buffer{}
	return e.refused
}

func (e *elsewhere) SendFolder(ctx context.Context, path string, content func(context.Context, io.Writer) error) error {
	var tar bytes.Buffer
	err := content(ctx, &tar)
	e.sent[path] = tar
	return cmp.Or(e.refused, err)
}

func TestAWorkspaceIsHandedToTheCommandsAsItIsFetched(t *testing.T) {
	b := OpenDirectory(t.TempDir())
	p := packed(t, workspace(t, 0))
	saved, err := b.Save(t.Context(), p, about())
	require.NoError(t, err)
	log, full := slog.New(slog.DiscardHandler), errors.New("the disk is full")
	built := Workspace{Artifact: saved.Key, Digest: saved.Digest}

	to := &elsewhere{sent: map[string]bytes.Buffer{}}
	dir := filepath.Join(t.TempDir(), "workspace")
	found, err := built.Hand(t.Context(), b, to, log, dir)
	require.NoError(t, err)
	assert.Equal(t, dir, found)
	sent := to.sent[dir]
	assert.Equal(t, p.Digest, packed(t, unpacked(t, &sent)).Digest)
	assert.Equal(t, p.Digest, packed(t, dir).Digest)

	to.refused = full
	_, err = built.Hand(t.Context(), b, to, log, filepath.Join(t.TempDir(), "workspace"))
	require.ErrorIs(t, err, full)
	_, err = Workspace{Artifact: saved.Key, Digest: digestOf(make([]byte, 32))}.Hand(t.Context(), b, to, log, filepath.Join(t.TempDir(), "workspace"))
	assert.Equal(t, errs.Failed, errs.KindOf(err), "an artifact that cannot be trusted is the error, not what follows from it")

	to.refused = nil
	found, err = Workspace{Source: "here"}.Hand(t.Context(), nil, to, log, "elsewhere")
	require.NoError(t, err)
	assert.Equal(t, "here", found)
	assert.Contains(t, to.sent, "here")
}

// apart is elsewhere for commands that have files of their own, which nobody asks for here.
type apart struct {
	*elsewhere
	command.Apart
}

func TestWhatOnlyCommandsReadOfAWorkspaceIsUnpackedForThemAlone(t *testing.T) {
	built := workspace(t, 0)
	for name, content := range map[string]string{
		"node_modules/a/index.js": "a", "lambda/node_modules/b/index.js": "b", ".venv/bin/python": "", ".git/HEAD": "ref", "node_modules.md": "kept",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(built, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(built, name), []byte(content), 0o644))
	}
	require.NoError(t, os.Symlink("a/index.js", filepath.Join(built, "node_modules", "link")))
	const asset = "cdk.out/asset.5a10/node_modules/c/index.js"
	for _, c := range []struct {
		name  string
		files []string
		all   bool
	}{
		{"no assembly", []string{asset}, false},
		{"an assembly whose assets have packages", []string{asset, "cdk.out/manifest.json"}, true},
		{"an assembly elsewhere", []string{"web/manifest.json"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := t.TempDir()
			require.NoError(t, os.CopyFS(from, os.DirFS(built)))
			for _, name := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(from, name), []byte("{}"), 0o644))
			}
			b := OpenDirectory(t.TempDir())
			p := packed(t, from)
			saved, err := b.Save(t.Context(), p, about())
			require.NoError(t, err)

			to, dir := apart{elsewhere: &elsewhere{sent: map[string]bytes.Buffer{}}}, filepath.Join(t.TempDir(), "workspace")
			_, err = Workspace{Artifact: saved.Key, Digest: saved.Digest}.Hand(t.Context(), b, to, slog.New(slog.DiscardHandler), dir)
			require.NoError(t, err)
			sent := to.sent[dir]
			assert.Equal(t, p.Digest, packed(t, unpacked(t, &sent)).Digest, "commands have all of it")
			if c.all {
				assert.Equal(t, p.Digest, packed(t, dir).Digest, "what is published is whole")
				return
			}
			for _, name := range []string{"node_modules", "lambda/node_modules", ".venv", ".git"} {
				assert.NoDirExists(t, filepath.Join(dir, name))
			}
			assert.FileExists(t, filepath.Join(dir, "node_modules.md"))
			assert.FileExists(t, filepath.Join(dir, "dist/app.js"))
			assert.DirExists(t, filepath.Join(dir, "lambda"))
		})
	}
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
