package attest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var aDigest = "sha256:" + strings.Repeat("ab", 32)

func write(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

// newKey returns a private key and its public key, in files.
func newKey(t testing.TB, curve elliptic.Curve) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	pub, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return write(t, "key.pem", "PRIVATE KEY", der), write(t, "key.pub", "PUBLIC KEY", pub)
}

func signed(t testing.TB) (release, build []byte, key attest.Key) {
	t.Helper()
	private, public := newKey(t, elliptic.P256())
	signer, err := attest.ReadSigner(private)
	require.NoError(t, err)
	key, err = attest.ReadKey(public)
	require.NoError(t, err)
	release, err = attest.SignRelease(t.Context(), signer, full(), []attest.Subject{{Name: "artifact", Digest: aDigest}})
	require.NoError(t, err)
	build, err = attest.SignBuild(t.Context(), signer, built())
	require.NoError(t, err)
	return release, build, key
}

func built() attest.Build {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return attest.Build{
		Artifact: attest.Subject{Name: "c/d.tar.zst", Digest: aDigest}, Run: "shop-1", Repository: "https://github.com/my-org/shop.git", Branch: "main",
		Commit: strings.Repeat("c", 40), Config: "aphex-config.yaml", ConfigDigest: aDigest, Version: "1.0.0", Started: at, Ended: at.Add(time.Minute),
	}
}

// full is a release record with a value for every member.
func full() attest.Release {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return attest.Release{
		Run: "shop-1", Number: 2, Previous: aDigest, Pipeline: "shop", Repository: "https://github.com/my-org/shop.git", Branch: "main", Commit: strings.Repeat("c", 40),
		Origin: "shop-0", Status: "Failed", Error: "deploy-dev: no", Created: "2026-01-01T00:00:00Z", Ended: at, Configuration: aDigest, Artifact: aDigest,
		Asked: attest.Asked{By: "octocat", Attested: true, Purpose: "rollback", Only: []string{"dev"}, Reason: "it <fails>"},
		Environments: []attest.Environment{{
			Environment: "dev", Status: "failed",
			Stacks: []attest.Stack{{Stack: "Api", Name: "dev-Api", Region: "eu-west-1", Action: "failed", Changes: "1 to add", Template: aDigest, Goal: aDigest, Rights: []string{"Role: s3:*"}}},
			Gates:  []attest.Gate{{Gate: "policy", State: "overridden", Reason: "no", At: at, Evidence: []string{"a"}, Plans: []string{aDigest}, Opened: &attest.Opened{By: "hubot", Why: "a fix", At: at}}},
			Tests:  &attest.Tests{Status: "failed", Tests: 3, Broken: 1, Skipped: 1, Failed: []string{"checkout works"}},
		}},
		Steps:  []attest.Step{{Step: "deploy-dev", Status: "failed", Started: at, Ended: at, Version: "1.0.0", Record: aDigest}},
		Images: []string{"public.ecr.aws/aphex:1.4.0"}, Record: aDigest,
	}
}

func TestWhatWasSignedIsReadAsItWas(t *testing.T) {
	release, build, key := signed(t)
	opened, err := attest.OpenRelease(t.Context(), release, key)
	require.NoError(t, err)
	assert.Equal(t, full(), opened.Release)
	assert.Equal(t, []attest.Subject{{Name: "artifact", Digest: aDigest}}, opened.Subjects)
	found, err := attest.OpenBuild(t.Context(), build, key)
	require.NoError(t, err)
	assert.Equal(t, built(), found)

	_, err = attest.OpenRelease(t.Context(), build, key)
	require.ErrorContains(t, err, "statement of the type")
	_, err = attest.OpenBuild(t.Context(), release, key)
	require.ErrorContains(t, err, "statement of the type")
	_, _, other := signed(t)
	_, err = attest.OpenRelease(t.Context(), release, other)
	require.ErrorContains(t, err, "the key did not sign this")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
}

func TestProvenanceIsOfOneArtifactOfOneCommit(t *testing.T) {
	b := built()
	require.NoError(t, b.Is(b.Commit, b.Artifact, b.ConfigDigest))
	require.NoError(t, b.Is(b.Commit, b.Artifact, ""), "no configuration is known")
	other := attest.Subject{Name: b.Artifact.Name, Digest: "sha256:" + strings.Repeat("cd", 32)}
	require.ErrorContains(t, b.Is(b.Commit, other, b.ConfigDigest), "the digest is")
	require.ErrorContains(t, b.Is(strings.Repeat("d", 40), b.Artifact, b.ConfigDigest), "the commit is")
	require.ErrorContains(t, b.Is(b.Commit, b.Artifact, other.Digest), "the digest of the configuration is")
}

func TestDifferencesAreNamedByTheirPath(t *testing.T) {
	release, _, key := signed(t)
	opened, err := attest.OpenRelease(t.Context(), release, key)
	require.NoError(t, err)
	same, err := opened.Differences(full())
	require.NoError(t, err)
	assert.Empty(t, same)
	now := full()
	now.Environments[0].Gates[0].Opened.By = "mallory"
	now.Steps = nil
	different, err := opened.Differences(now)
	require.NoError(t, err)
	assert.Contains(t, different, `environments[0].gates[0].opened.by was signed as "hubot" and is "mallory"`)
	assert.Contains(t, different, `steps[0].step was signed as "deploy-dev" and is nothing`)
}

func TestADigestOfADocumentIsThatOfJq(t *testing.T) {
	digest, err := attest.Digest([]byte(`{"b": [1, 2.50, "<&>é"], "a": {"z": null, "y": true}, "notified": 1}`), "notified")
	require.NoError(t, err)
	assert.Equal(t, attest.DigestOf([]byte(`{"a":{"y":true,"z":null},"b":[1,2.50,"<&>é"]}`)), digest)
	_, err = attest.Digest([]byte(`[1]`))
	require.Error(t, err)
}

func TestAReleaseRecordIsValidByThePublishedSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/release-record.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource(attest.ReleaseType, document))
	schema, err := compiler.Compile(attest.ReleaseType)
	require.NoError(t, err)
	valid := func(r attest.Release) error {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		return schema.Validate(value)
	}
	require.NoError(t, valid(full()))
	require.NoError(t, valid(attest.Release{Run: "shop-1", Number: 1, Environments: []attest.Environment{}, Steps: []attest.Step{}, Record: aDigest}), "a run that built nothing")
	wrong := full()
	wrong.Artifact = "sha1:0"
	require.Error(t, valid(wrong))
}

func TestAFileWithoutAKeyForP256IsRefused(t *testing.T) {
	other, otherPublic := newKey(t, elliptic.P384())
	_, public := newKey(t, elliptic.P256())
	for _, file := range []string{other, public, "missing.pem", write(t, "key.pem", "PRIVATE KEY", []byte("no"))} {
		_, err := attest.ReadSigner(file)
		require.Error(t, err, file)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), file)
	}
	private, _ := newKey(t, elliptic.P256())
	for _, file := range []string{private, otherPublic, "missing.pub", write(t, "key.pub", "PUBLIC KEY", []byte("no"))} {
		_, err := attest.ReadKey(file)
		require.Error(t, err, file)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), file)
	}
}

// TestTheEnvelopeIsSignedAsDSSESays verifies it by the text of the protocol alone.
func TestTheEnvelopeIsSignedAsDSSESays(t *testing.T) {
	release, _, key := signed(t)
	var envelope struct {
		PayloadType, Payload string
		Signatures           []struct{ Sig string }
	}
	require.NoError(t, json.Unmarshal(release, &envelope))
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	require.NoError(t, err)
	signature, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
	require.NoError(t, err)
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len("application/vnd.in-toto+json"), "application/vnd.in-toto+json", len(payload), payload)
	require.NoError(t, key.Verify(t.Context(), pae, signature))
	require.Error(t, key.Verify(t.Context(), payload, signature))
	var statement map[string]any
	require.NoError(t, json.Unmarshal(payload, &statement))
	assert.Equal(t, "https://in-toto.io/Statement/v1", statement["_type"])
	assert.Equal(t, attest.ReleaseType, statement["predicateType"])
}

func FuzzOpen(f *testing.F) {
	release, build, key := signed(f)
	f.Add(release)
	f.Add(build)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		opened, err := attest.OpenRelease(t.Context(), data, key)
		if err == nil && opened.Release.Run != "shop-1" {
			t.Fatal("nobody signed this")
		}
		if b, err := attest.OpenBuild(t.Context(), data, key); err == nil && b.Run != "shop-1" {
			t.Fatal("nobody signed this")
		}
	})
}
