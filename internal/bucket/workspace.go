package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Workspace is what a stage works on, as its flags name it: a folder, an artifact
// of the bucket, or what the directory in place of the bucket has of the commit.
type Workspace struct {
	Source      string // folder, used as it is
	Artifact    string // key of an artifact
	Digest      string // of the artifact
	Bucket      string // name of the bucket
	ArtifactDir string // directory in place of the bucket
	Commit      string // full SHA
}

// Validate refuses flags that name no workspace, or two, or an artifact that
// cannot be fetched.
func (w Workspace) Validate() error {
	named := 0
	for _, name := range []string{w.Source, w.Artifact, w.ArtifactDir} {
		if name != "" {
			named++
		}
	}
	switch {
	case w.ArtifactDir != "" && w.Bucket != "":
		return errs.Invalidf("--artifact-dir takes the place of --bucket, but both are given")
	case named != 1:
		return errs.Invalidf("exactly one of --source, --artifact and --artifact-dir names the workspace").
			WithHint("give --artifact and --digest as printed by the build stage, or --source with a folder, or the --artifact-dir of the build stage")
	case w.Artifact != "" && (w.Digest == "" || w.Bucket == ""):
		return errs.Invalidf("the artifact %q needs --bucket and --digest", w.Artifact)
	}
	return nil
}

// Fetch returns the folder of the workspace: Source, or dir, into which it
// unpacks the artifact from b.
func (w Workspace) Fetch(ctx context.Context, b Bucket, log *slog.Logger, dir string) (string, error) {
	if w.Source != "" {
		return w.Source, nil
	}
	if w.Artifact == "" {
		built, err := find(ctx, b, w.Commit)
		if err != nil {
			return "", err
		}
		w.Artifact, w.Digest = built.Key, built.Digest
	}
	log.Info("fetching the built workspace", "key", w.Artifact)
	return dir, b.Fetch(ctx, w.Artifact, w.Digest, dir)
}

// find reads the document about what was built of a commit, and finds out
// whether more can be stored beside it.
func find(ctx context.Context, b Bucket, commit string) (Metadata, error) {
	var m Metadata
	key := DocumentKey(commit)
	data, err := b.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return m, errs.Invalidf("nothing that was built of commit %s is in %q: %w", commit, b, err).
			WithHint("build it first: builder --source . --commit %s --artifact-dir %s", commit, b)
	}
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err == nil {
		err = errors.Join(CheckDigest(m.Digest), checkLocal(m.Key))
	}
	if err != nil {
		return m, errs.Invalidf("reading what was built from %q: %w", filepath.Join(b.String(), filepath.FromSlash(key)), err)
	}
	return m, b.Prepare(ctx)
}

// checkLocal refuses a key that leads out of the directory.
func checkLocal(key string) error {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return fmt.Errorf("%q is no key of an artifact", key)
	}
	return nil
}
