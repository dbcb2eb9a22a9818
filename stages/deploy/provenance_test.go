package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// signerOf returns a new key, and the file of its public key.
func signerOf(t *testing.T) (attest.Signer, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private, public := filepath.Join(t.TempDir(), "key.pem"), filepath.Join(t.TempDir(), "key.pub")
	require.NoError(t, os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	text, err := attest.PublicOf(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(public, text, 0o600))
	signer, err := attest.ReadSigner(private)
	require.NoError(t, err)
	return signer, public
}

// TestAnArtifactWithoutProvenanceThatVerifiesIsRefusedBeforeAnythingIsAssumed also shows that
// the same artifact is used where provenance is not required.
func TestAnArtifactWithoutProvenanceThatVerifiesIsRefusedBeforeAnythingIsAssumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devOf("{name: Data}"))
	w.fetch = func() error { return errs.Failedf("fetched") }
	signer, public := signerOf(t)
	other, _ := signerOf(t)
	digest := "sha256:" + strings.Repeat("ab", 32)
	artifact := attest.Subject{Name: bucket.ArtifactKey(commit, digest), Digest: digest}
	build := attest.Build{Artifact: artifact, Commit: commit, Repository: "https://github.com/my-org/shop.git", Config: "aphex-config.yaml", ConfigDigest: digest, Run: "run-0", Started: time.Now(), Ended: time.Now()}
	signedBy := func(signer attest.Signer, change func(*attest.Build)) string {
		b := build
		change(&b)
		data, err := attest.SignBuild(t.Context(), signer, b)
		require.NoError(t, err)
		return string(data)
	}
	same := func(*attest.Build) {}
	deployed := func(required bool) error {
		w.ForgetCalls()
		_, err := w.run("dev", func(in *deploy.Input) {
			in.Workspace = bucket.Workspace{Commit: commit, Bucket: "artifacts", Artifact: artifact.Name, Digest: digest}
			in.Proving = attest.Proving{RequireProvenance: required, ProvenanceKeyFile: public}
		})
		return err
	}
	at := bucket.ProvenanceKey(commit, digest)
	err := deployed(true)
	require.ErrorContains(t, err, "has none")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Empty(t, w.Calls())
	for name, text := range map[string]string{
		"another key":      signedBy(other, same),
		"another commit":   signedBy(signer, func(b *attest.Build) { b.Commit = strings.Repeat("0", 40) }),
		"another artifact": signedBy(signer, func(b *attest.Build) { b.Artifact.Digest = "sha256:" + strings.Repeat("cd", 32) }),
		"half of it":       signedBy(signer, same)[:200],
		"nothing":          "",
	} {
		w.stored.Set(at, text)
		err := deployed(true)
		require.ErrorContains(t, err, "that of the artifact is refused", name)
		assert.Equal(t, errs.Failed, errs.KindOf(err), name)
		assert.Empty(t, w.Calls(), name)
		_ = deployed(false)
		assert.Contains(t, w.log.String(), "fetching the built workspace", "%s: where it is not required", name)
	}
	w.stored.Set(at, signedBy(signer, same))
	_ = deployed(true)
	assert.Contains(t, w.log.String(), "the provenance of the artifact is signed")
	assert.Contains(t, w.log.String(), "fetching the built workspace")
}
