package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// proven refuses an artifact whose provenance does not verify, if the environment requires it:
// before it is fetched, and before anything is assumed.
func (d Deps) proven(ctx context.Context, frame stage.Frame, in Input) error {
	if !in.RequireProvenance {
		return nil
	}
	key, err := d.Key(ctx, in.Proving)
	if err != nil {
		return fmt.Errorf("verifying the provenance of the artifact: %w", err)
	}
	at := bucket.ProvenanceKey(in.Commit, in.Digest)
	data, err := d.Bucket.Get(ctx, at)
	if errors.Is(err, fs.ErrNotExist) {
		return errs.Failedf("%s requires provenance, and the artifact %s has none", in.Environment, in.Artifact).
			WithHint("push a commit, whose build signs it; an artifact that was built before signing was configured is not deployed there")
	}
	if err != nil {
		return fmt.Errorf("reading the provenance of the artifact: %w", err)
	}
	build, err := attest.OpenBuild(ctx, data, key)
	if err == nil {
		err = build.Is(in.Commit, attest.Subject{Name: in.Artifact, Digest: in.Digest}, in.ConfigDigest)
	}
	if err != nil {
		return errs.Failedf("%s requires provenance, and that of the artifact is refused: %s: %w", in.Environment, at, err).
			WithHint("nothing was deployed; find out who wrote it, and whether the key of signing was changed: then push a commit")
	}
	frame.Log.Info("the provenance of the artifact is signed", "run", build.Run, "key", at)
	return nil
}
