package verify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
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
	"github.com/aphex/aphex-pipeline/internal/runs/verify"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

const (
	commit = "3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d8e7f6a5b"
	config = "version: 1\n"
)

// pair is a key of files.
type pair struct{ private, public string }

func newPair(t *testing.T) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	p := pair{filepath.Join(dir, "key.pem"), filepath.Join(dir, "key.pub")}
	require.NoError(t, os.WriteFile(p.private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	public, err := attest.PublicOf(p.private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.public, public, 0o600))
	return p
}

func (p pair) signer(t *testing.T) attest.Signer {
	t.Helper()
	signer, err := attest.ReadSigner(p.private)
	require.NoError(t, err)
	return signer
}

// world is a bucket with runs that were signed.
type world struct {
	dir string
	b   bucket.Bucket
	key pair
}

func (w world) read(t *testing.T, key string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(key)))
	require.NoError(t, err)
	return data
}

func (w world) write(t *testing.T, key string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, filepath.FromSlash(key)), data, 0o600))
}

// replace replaces a text of a document that has it.
func (w world) replace(t *testing.T, key, old, now string) {
	t.Helper()
	data := w.read(t, key)
	require.Contains(t, string(data), old)
	w.write(t, key, bytes.ReplaceAll(data, []byte(old), []byte(now)))
}

// build stores an artifact with its provenance.
func (w world) build(t *testing.T) bucket.Metadata {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "aphex-config.yaml"), []byte(config), 0o600))
	packed, err := bucket.Pack(t.Context(), dir, func(string) bool { return false })
	require.NoError(t, err)
	defer packed.Remove()
	m, err := w.b.Save(t.Context(), packed, bucket.Metadata{Commit: commit, Timestamp: time.Now()})
	require.NoError(t, err)
	data, err := attest.SignBuild(t.Context(), w.key.signer(t), attest.Build{
		Artifact: attest.Subject{Name: m.Key, Digest: m.Digest}, Run: "shop-1", Repository: "https://github.com/my-org/shop.git", Branch: "main",
		Commit: commit, Config: "aphex-config.yaml", ConfigDigest: attest.DigestOf([]byte(config)), Version: "1.0.0", Started: time.Now(), Ended: time.Now(),
	})
	require.NoError(t, err)
	require.NoError(t, w.b.Create(t.Context(), bucket.ProvenanceKey(commit, m.Digest), data))
	return m
}

const summary = `{"environment":"dev","stacks":[{"stack":"Api","name":"dev-Api","region":"eu-west-1","action":"updated","changes":"1 to modify"}],
"gates":[{"gate":"policy","state":"overridden","reason":"data is lost","at":"2026-01-01T00:00:00Z","override":{"gates":["policy"],"by":"hubot","attested":true,"why":"a fix","at":"2026-01-01T00:00:00Z"}},
{"gate":"approval","state":"open","reason":"approved by ada","at":"2026-01-01T00:00:00Z","decisions":[{"run":"shop-1","environment":"dev","by":"ada","attested":false,"why":"ticket 4711","at":"2026-01-01T00:00:00Z"}]}]}`

// run records a run that deployed the artifact.
func (w world) run(t *testing.T, name string, built bucket.Metadata, signer attest.Signer) {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, step := range []stage.Record{
		{Step: "validate", Outputs: map[string]string{"config-digest": attest.DigestOf([]byte(config))}},
		{Step: "build", Outputs: map[string]string{"artifact": built.Key, "digest": built.Digest}},
		{Step: "deploy-dev", Outputs: map[string]string{"summary": summary}, Details: &stage.Details{Stacks: []stage.StackDetails{
			{Stack: "Api", Started: at, Template: attest.DigestOf([]byte("template")), Goal: attest.DigestOf([]byte("goal"))},
		}}},
		{Step: "test-dev", Details: &stage.Details{Tests: &stage.TestDetails{Tests: 3, Broken: 1, Failed: []string{"checkout works"}}}},
	} {
		step.Workflow, step.Status, step.Version = name, stage.Done, "1.0.0"
		step.Started, step.Ended = at.Add(time.Duration(i)*time.Minute), at.Add(time.Duration(i+1)*time.Minute)
		data, err := json.Marshal(step)
		require.NoError(t, err)
		require.NoError(t, w.b.Put(t.Context(), bucket.StepRecordKey(name, step.Step, 1), data))
	}
	w.record(t, name, signer)
}

func (w world) record(t *testing.T, name string, signer attest.Signer) {
	t.Helper()
	in := record.Input{
		Status: "Succeeded", Commit: commit, Bucket: "artifacts", Pusher: "octocat", Repository: "https://github.com/my-org/shop.git", Created: "2026-01-01T00:00:00Z", Silent: true,
	}
	if signer != nil {
		in.SigningKey = "a key"
	}
	d := record.Deps{Bucket: w.b, Signer: func(context.Context) (attest.Signer, error) { return signer, nil }}
	_, err := record.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: name, Step: "record"}, in)
	require.NoError(t, err)
}

func newWorld(t *testing.T) (world, bucket.Metadata) {
	t.Helper()
	dir := t.TempDir()
	w := world{dir, bucket.OpenDirectory(dir), newPair(t)}
	built := w.build(t)
	w.run(t, "shop-1", built, w.key.signer(t))
	return w, built
}

func (w world) verify(t *testing.T, run string) verify.Report {
	t.Helper()
	report, err := verify.Run(t.Context(), w.b, run, func(context.Context) (attest.Key, error) { return attest.ReadKey(w.key.public) })
	require.NoError(t, err)
	return report
}

func states(report verify.Report) map[string]verify.State {
	all := map[string]verify.State{}
	for _, c := range report.Checks {
		if all[c.Check] != verify.Refused {
			all[c.Check] = c.State
		}
	}
	return all
}

func TestARunThatNobodyChangedIsProvenAsFarAsItCanBe(t *testing.T) {
	w, _ := newWorld(t)
	report := w.verify(t, "shop-1")
	assert.Equal(t, verify.Proven, report.State)
	assert.Equal(t, map[string]verify.State{
		"signature": verify.Proven, "record": verify.Proven, "artifact": verify.Proven, "provenance": verify.Proven, "configuration": verify.Proven,
		"person": verify.Unproven, "gate": verify.Unproven, "tests": verify.Proven, "templates": verify.Proven, "images": verify.Unproven, "time": verify.Unproven,
	}, states(report), "%+v", report.Checks)
	assert.True(t, strings.HasPrefix(report.Key, "SHA256:"))
	assert.Contains(t, report.Checks, verify.Check{Check: "gate", State: verify.Proven, Text: "dev: hubot opened policy, as the API server attested: a fix"})
	assert.Contains(t, report.Checks, verify.Check{Check: "gate", State: verify.Unproven, Text: "dev: ada opened approval, and nothing attested the name: ticket 4711"})
}

// resigned changes what a release record says, and leaves its signature.
func resigned(t *testing.T, data []byte, old, now string) []byte {
	t.Helper()
	var envelope map[string]any
	require.NoError(t, json.Unmarshal(data, &envelope))
	payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
	require.NoError(t, err)
	require.Contains(t, string(payload), old)
	envelope["payload"] = base64.StdEncoding.EncodeToString(bytes.ReplaceAll(payload, []byte(old), []byte(now)))
	changed, err := json.Marshal(envelope)
	require.NoError(t, err)
	return changed
}

// TestEveryChangeOfARunIsRefused is the check of the release record by attacks: whoever can
// write to the bucket, and has no key, changes what a run says.
func TestEveryChangeOfARunIsRefused(t *testing.T) {
	const release, run = "metadata/signed/releases/shop-1/1.json", "metadata/workflows/shop-1.json"
	for name, c := range map[string]struct {
		change func(t *testing.T, w world, built bucket.Metadata)
		check  string
	}{
		"another artifact": {func(t *testing.T, w world, built bucket.Metadata) {
			data := w.read(t, built.Key)
			data[len(data)/2] ^= 1
			w.write(t, built.Key, data)
		}, "artifact"},
		"another artifact in the provenance": {func(t *testing.T, w world, built bucket.Metadata) {
			w.write(t, bucket.ProvenanceKey(commit, built.Digest), resigned(t, w.read(t, bucket.ProvenanceKey(commit, built.Digest)), commit, strings.Repeat("0", 40)))
		}, "provenance"},
		"another template, where it was signed": {func(t *testing.T, w world, _ bucket.Metadata) {
			w.write(t, release, resigned(t, w.read(t, release), strings.TrimPrefix(attest.DigestOf([]byte("template")), "sha256:"), strings.Repeat("0", 64)))
		}, "signature"},
		"another template, in the record": {func(t *testing.T, w world, _ bucket.Metadata) {
			w.replace(t, run, attest.DigestOf([]byte("template")), attest.DigestOf([]byte("other")))
		}, "record"},
		"another approver":                 {func(t *testing.T, w world, _ bucket.Metadata) { w.replace(t, run, "ada", "eve") }, "record"},
		"another person who opened a gate": {func(t *testing.T, w world, _ bucket.Metadata) { w.replace(t, run, "hubot", "mallory") }, "record"},
		"another person who asked":         {func(t *testing.T, w world, _ bucket.Metadata) { w.replace(t, run, "octocat", "mallory") }, "record"},
		"a test that passed":               {func(t *testing.T, w world, _ bucket.Metadata) { w.replace(t, run, `"broken": 1`, `"broken": 0`) }, "record"},
		"another order of steps": {func(t *testing.T, w world, _ bucket.Metadata) {
			var d record.Document
			require.NoError(t, json.Unmarshal(w.read(t, run), &d))
			d.Steps[2], d.Steps[3] = d.Steps[3], d.Steps[2]
			data, err := json.MarshalIndent(d, "", "  ")
			require.NoError(t, err)
			w.write(t, run, data)
		}, "record"},
		"another order of the release records": {func(t *testing.T, w world, _ bucket.Metadata) {
			w.record(t, "shop-1", w.key.signer(t))
			require.Equal(t, verify.Proven, w.verify(t, "shop-1").State, "a run that was recorded twice")
			one, two := w.read(t, release), w.read(t, "metadata/signed/releases/shop-1/2.json")
			w.write(t, release, two)
			w.write(t, "metadata/signed/releases/shop-1/2.json", one)
		}, "signature"},
		"the release record before is gone": {func(t *testing.T, w world, _ bucket.Metadata) {
			w.record(t, "shop-1", w.key.signer(t))
			require.NoError(t, os.Remove(filepath.Join(w.dir, release)))
		}, "signature"},
		"the release record after is gone": {func(t *testing.T, w world, _ bucket.Metadata) {
			w.record(t, "shop-1", w.key.signer(t))
			require.NoError(t, os.Remove(filepath.Join(w.dir, "metadata/signed/releases/shop-1/2.json")))
		}, "record"},
		"the release record of another run": {func(t *testing.T, w world, built bucket.Metadata) {
			w.run(t, "shop-2", built, w.key.signer(t))
			w.write(t, release, w.read(t, "metadata/signed/releases/shop-2/1.json"))
		}, "signature"},
		"the provenance as a release record": {func(t *testing.T, w world, built bucket.Metadata) {
			w.write(t, release, w.read(t, bucket.ProvenanceKey(commit, built.Digest)))
		}, "signature"},
		"half of the release record": {func(t *testing.T, w world, _ bucket.Metadata) { w.write(t, release, w.read(t, release)[:200]) }, "signature"},
		"an empty release record":    {func(t *testing.T, w world, _ bucket.Metadata) { w.write(t, release, nil) }, "signature"},
		"no signature": {func(t *testing.T, w world, _ bucket.Metadata) {
			var envelope map[string]any
			require.NoError(t, json.Unmarshal(w.read(t, release), &envelope))
			envelope["signatures"] = []any{}
			data, err := json.Marshal(envelope)
			require.NoError(t, err)
			w.write(t, release, data)
		}, "signature"},
		"signed by another key": {func(t *testing.T, w world, _ bucket.Metadata) {
			require.NoError(t, os.Remove(filepath.Join(w.dir, release)))
			w.record(t, "shop-1", newPair(t).signer(t))
		}, "signature"},
		"the record of another run": {func(t *testing.T, w world, built bucket.Metadata) {
			w.run(t, "shop-2", built, w.key.signer(t))
			w.write(t, run, w.read(t, "metadata/workflows/shop-2.json"))
		}, "record"},
		"the record cannot be read": {func(t *testing.T, w world, _ bucket.Metadata) { w.write(t, run, []byte("{")) }, "record"},
	} {
		t.Run(name, func(t *testing.T) {
			w, built := newWorld(t)
			c.change(t, w, built)
			report := w.verify(t, "shop-1")
			assert.Equal(t, verify.Refused, report.State, "%+v", report.Checks)
			assert.Equal(t, verify.Refused, states(report)[c.check], "%+v", report.Checks)
		})
	}
}

func TestWhatIsGoneIsNotProvenAndNotRefused(t *testing.T) {
	w, built := newWorld(t)
	require.NoError(t, os.Remove(filepath.Join(w.dir, filepath.FromSlash(built.Key))))
	report := w.verify(t, "shop-1")
	assert.Equal(t, verify.Proven, report.State)
	assert.Equal(t, verify.Unproven, states(report)["artifact"])
	assert.Equal(t, verify.Unproven, states(report)["configuration"])

	require.NoError(t, os.Remove(filepath.Join(w.dir, "metadata/workflows/shop-1.json")))
	report = w.verify(t, "shop-1")
	assert.Equal(t, verify.Proven, report.State)
	assert.Equal(t, verify.Unproven, states(report)["record"])
}

func TestARunWithoutAKeyIsNotSignedAndSaysSo(t *testing.T) {
	w, built := newWorld(t)
	w.run(t, "shop-2", built, nil)
	report, err := verify.Run(t.Context(), w.b, "shop-2", func(context.Context) (attest.Key, error) { panic("asked for a key") })
	require.NoError(t, err)
	assert.Equal(t, verify.Unproven, report.State)
	require.Len(t, report.Checks, 1)
	assert.Contains(t, report.Checks[0].Text, "nothing of it is signed")

	w.run(t, "shop-3", built, failing{})
	report = w.verify(t, "shop-3")
	assert.Equal(t, verify.Unproven, report.State)
	assert.Contains(t, report.Checks[0].Text, "no permission", "the record says why")
}

// failing is a key that may not be used.
type failing struct{}

func (failing) Sign(context.Context, []byte) ([]byte, error) {
	return nil, errs.Failedf("no permission")
}

func TestARunThatIsRecordedAgainHasOneReleaseRecordMore(t *testing.T) {
	w, _ := newWorld(t)
	first := w.read(t, bucket.ReleaseKey("shop-1", 1))
	w.record(t, "shop-1", w.key.signer(t))
	report := w.verify(t, "shop-1")
	assert.Equal(t, verify.Proven, report.State, "%+v", report.Checks)
	assert.Contains(t, report.Checks[0].Text, "release record 2 of 2")
	assert.Equal(t, first, w.read(t, bucket.ReleaseKey("shop-1", 1)), "nothing overwrites the first")
}
