package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Workspace is the workspace of a stage according to its flags, which embed it: a folder,
// which is used without copying, an artifact in the bucket, or the artifact of the commit
// in a directory.
type Workspace struct {
	Commit      string `help:"Full commit SHA of the workspace." required:""`
	Bucket      string `help:"Artifact bucket; also stores the results."`
	Artifact    string `help:"Key of the built workspace in the bucket."`
	Digest      string `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source      string `help:"Folder to use instead of an artifact." type:"path" placeholder:"DIR"`
	ArtifactDir string `help:"Folder with the artifact, instead of a bucket; also stores the results." type:"path" placeholder:"DIR"`
}

// Validate rejects flags without a workspace, with several, or with an artifact
// that cannot be fetched.
func (w Workspace) Validate() error {
	named := 0
	for _, name := range []string{w.Source, w.Artifact, w.ArtifactDir} {
		if name != "" {
			named++
		}
	}
	switch {
	case w.ArtifactDir != "" && w.Bucket != "":
		return errs.Invalidf("--artifact-dir and --bucket cannot be combined")
	case named != 1:
		return errs.Invalidf("use exactly one of --source, --artifact and --artifact-dir").
			WithHint("pass --artifact and --digest as printed by the build stage, --source with a folder, or the --artifact-dir of the build stage")
	case w.Artifact != "" && (w.Digest == "" || w.Bucket == ""):
		return errs.Invalidf("--artifact %q requires --bucket and --digest", w.Artifact)
	}
	return nil
}

// Fetch returns the folder of the workspace: Source, or dir after unpacking the
// artifact from b into it.
func (w Workspace) Fetch(ctx context.Context, b Bucket, log *slog.Logger, dir string) (string, error) {
	if w.Source != "" {
		return w.Source, nil
	}
	w, err := w.found(ctx, b, log)
	if err != nil {
		return "", err
	}
	return dir, b.Fetch(ctx, w.Artifact, w.Digest, dir, command.Selection{})
}

// FetchFile reads one file of the artifact.
func (w Workspace) FetchFile(ctx context.Context, b Bucket, log *slog.Logger, name string) ([]byte, error) {
	w, err := w.found(ctx, b, log)
	if err != nil {
		return nil, err
	}
	return b.FetchFile(ctx, w.Artifact, w.Digest, name)
}

// Hand is HandCopy for the last use of an artifact: the bucket keeps nothing of it on the disk.
func (w Workspace) Hand(ctx context.Context, b Bucket, to command.Files, log *slog.Logger, dir string) (string, error) {
	if w.Source == "" {
		defer b.Release()
	}
	return w.HandCopy(ctx, b, to, log, dir)
}

// Unread are the folders of a workspace that only commands read: the history, and installed
// packages. They have most of its files.
var Unread = command.Selection{Without: []string{".git", "node_modules", ".venv"}}

// HandCopy returns the folder that Fetch returns, and sends it to the commands. An artifact
// is unpacked here and there at once, and decompressed once; where commands have files of their
// own, without what is unread here.
func (w Workspace) HandCopy(ctx context.Context, b Bucket, to command.Files, log *slog.Logger, dir string) (string, error) {
	if w.Source != "" {
		return w.Source, to.Send(ctx, w.Source)
	}
	w, err := w.found(ctx, b, log)
	if err != nil {
		return "", err
	}
	what := command.Selection{}
	if _, apart := to.(command.Apart); apart {
		what = Unread
	}
	same, fetched := true, error(nil)
	err = to.SendFolder(ctx, dir, func(ctx context.Context, tar io.Writer) error {
		same, fetched = false, b.FetchTar(ctx, w.Artifact, w.Digest, dir, what, tar)
		return fetched
	})
	switch {
	case err == nil && same:
		return dir, b.Fetch(ctx, w.Artifact, w.Digest, dir, what)
	case fetched != nil && errors.Is(err, fetched):
		return dir, fetched
	}
	return dir, err
}

// found returns the workspace with the key and the digest of its artifact.
func (w Workspace) found(ctx context.Context, b Bucket, log *slog.Logger) (Workspace, error) {
	if w.Artifact == "" {
		built, err := find(ctx, b, w.Commit)
		if err != nil {
			return w, err
		}
		w.Artifact, w.Digest = built.Key, built.Digest
	}
	log.Info("fetching the built workspace", "key", w.Artifact)
	return w, nil
}

// find reads the metadata of the artifact of a commit, and checks that the bucket
// is writable.
func find(ctx context.Context, b Bucket, commit string) (Metadata, error) {
	var m Metadata
	key := DocumentKey(commit)
	data, err := b.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return m, errs.Invalidf("no artifact of commit %s in %q: %w", commit, b, err).
			WithHint("build it first: builder --source . --commit %s --artifact-dir %s", commit, b)
	}
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err == nil {
		err = errors.Join(CheckDigest(m.Digest), checkLocal(m.Key))
	}
	if err != nil {
		return m, errs.Invalidf("reading the metadata of the artifact from %q: %w", filepath.Join(b.String(), filepath.FromSlash(key)), err)
	}
	return m, b.Prepare(ctx)
}

// checkLocal rejects a key that points outside of the directory.
func checkLocal(key string) error {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return fmt.Errorf("%q is not the key of an artifact", key)
	}
	return nil
}
