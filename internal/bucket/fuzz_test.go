package bucket_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/command"
)

// fetched is a bucket that keeps which artifact was fetched.
type fetched struct {
	*buckettest.Memory
	key, digest string
}

func (b *fetched) Fetch(_ context.Context, key, digest, _ string, _ command.Selection) error {
	b.key, b.digest = key, digest
	return nil
}

// FuzzMetadata holds that whatever the metadata of an artifact is, only a key below the
// bucket's folder is fetched, and only with a digest.
func FuzzMetadata(f *testing.F) {
	const commit = "5a105e8b9d40e1329780d62ea2265d8a5a105e8b"
	f.Add(`{"key":"` + commit + `/workspace.tar.zst","digest":"sha256:` + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" + `","files":1}`)
	f.Add(`{"key":"../x","digest":"sha256:0a"}`)
	f.Add(`null`)
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, metadata string) {
		b := &fetched{Memory: buckettest.New(map[string]string{bucket.DocumentKey(commit): metadata})}
		_, err := bucket.Workspace{ArtifactDir: "d", Commit: commit}.Fetch(t.Context(), b, log, "into")
		if err == nil && (!filepath.IsLocal(b.key) || bucket.CheckDigest(b.digest) != nil) {
			t.Errorf("%q with digest %q is fetched", b.key, b.digest)
		}
	})
}
