package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// attest signs and stores the provenance of an artifact. That of an earlier build of the same
// commit with the same artifact stays: nothing overwrites it.
func (d Deps) attest(ctx context.Context, frame stage.Frame, in Input, b attest.Build) error {
	if d.Signer == nil {
		return nil
	}
	b.Run, b.Repository, b.Branch, b.Commit = frame.Workflow, in.Repository, strings.ToValidUTF8(in.Branch, "?"), in.Commit
	b.Config, b.Version = in.Config, stage.Version()
	data, err := attest.SignBuild(ctx, d.Signer, b)
	if err != nil {
		return fmt.Errorf("signing the provenance of the artifact: %w", err)
	}
	key := bucket.ProvenanceKey(in.Commit, b.Artifact.Digest)
	err = d.Bucket.Create(ctx, key, data)
	if errors.Is(err, fs.ErrExist) {
		frame.Log.Info("kept the provenance of an earlier build of this artifact", "key", key)
		return nil
	}
	if err == nil {
		frame.Log.Info("signed the provenance of the artifact", "key", key)
	}
	return err
}
