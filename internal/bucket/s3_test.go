package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAWorkspaceIsFetchedByKeyAndDigest(t *testing.T) {
	for name, megabytes := range map[string]int{"in one piece": 0, "in parts": 40} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			c := newCloud(t)
			p := packed(t, workspace(t, megabytes))
			m, err := c.store.Save(t.Context(), p, about())
			require.NoError(t, err)
			assert.Equal(t, megabytes > 0, c.client.parts.Load() > 1)
			assert.Equal(t, commit+"/"+strings.TrimPrefix(p.Digest, "sha256:")+".tar.zst", m.Key)

			dir := filepath.Join(t.TempDir(), "out")
			require.NoError(t, c.store.Fetch(t.Context(), m.Key, m.Digest, dir, command.Selection{}))
			again := packed(t, dir)
			assert.Equal(t, p.Digest, again.Digest)
			assert.NoFileExists(t, filepath.Join(dir, ".git"))
			c.store.Release()
			assertNoTemporaryFiles(t)
		})
	}
}

func assertNoTemporaryFiles(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "artifact-*"))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(left), 2, "those of this test are removed at its end")
}

func TestTheObjectAndADocumentSayWhatItIs(t *testing.T) {
	c := newCloud(t)
	p := packed(t, workspace(t, 0))
	m, err := c.store.Save(t.Context(), p, about())
	require.NoError(t, err)

	var document map[string]any
	text, err := c.store.Get(t.Context(), commit+"/artifact.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &document))
	assert.Equal(t, map[string]any{
		"key": m.Key, "digest": p.Digest, "commit": commit, "branch": "feature/ümläut #1", "repository": "https://github.com/aphex/shop",
		"timestamp": "2026-11-23T06:30:00Z", "size": float64(p.Size), "files": 3., "bytes": 6.,
		"commands":  []any{map[string]any{"command": "npm ci", "seconds": 1.5, "exitCode": 0.}},
		"artifacts": []any{map[string]any{"path": "dist/app.js", "size": 4., "sha256": "ab"}},
		"tools":     map[string]any{"node": "v22"},
	}, document)

	tags, err := c.client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: &m.Key})
	require.NoError(t, err)
	got := map[string]string{}
	for _, tag := range tags.TagSet {
		got[*tag.Key] = *tag.Value
	}
	assert.Equal(t, map[string]string{
		"commit": commit, "branch": "feature/_ml_ut _1", "timestamp": "2026-11-23T06:30:00Z", "sha256": strings.TrimPrefix(p.Digest, "sha256:"),
	}, got)
	head, err := c.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &m.Key})
	require.NoError(t, err)
	assert.Equal(t, got, head.Metadata)
}

func TestTheSameArtifactIsNotSentTwice(t *testing.T) {
	c := newCloud(t)
	p := packed(t, workspace(t, 0))
	_, err := c.store.Save(t.Context(), p, about())
	require.NoError(t, err)
	require.EqualValues(t, 2, c.client.puts.Load())
	_, err = c.store.Save(t.Context(), p, about())
	require.NoError(t, err)
	assert.EqualValues(t, 3, c.client.puts.Load(), "only the document is written again")
}

func TestAChangedArtifactIsRefusedAndNothingOfItIsUsed(t *testing.T) {
	c := newCloud(t)
	m, err := c.store.Save(t.Context(), packed(t, workspace(t, 0)), about())
	require.NoError(t, err)
	other := workspace(t, 0)
	require.NoError(t, os.WriteFile(filepath.Join(other, "evil.sh"), []byte("rm -rf /"), 0o755))
	evil := packed(t, other)
	data, err := os.ReadFile(evil.File)
	require.NoError(t, err)
	require.NoError(t, c.store.Put(t.Context(), m.Key, data))

	dir := filepath.Join(t.TempDir(), "out")
	err = c.store.Fetch(t.Context(), m.Key, m.Digest, dir, command.Selection{})
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error(), m.Digest)
	assert.Contains(t, err.Error(), evil.Digest)
	assert.NoDirExists(t, dir)
}

func TestOneFileIsReadWithoutUnpackingTheRest(t *testing.T) {
	c := newCloud(t)
	source := workspace(t, 0)
	require.NoError(t, os.WriteFile(filepath.Join(source, "aphex-config.yaml"), []byte("version"), 0o600))
	m, err := c.store.Save(t.Context(), packed(t, source), about())
	require.NoError(t, err)

	data, err := c.store.FetchFile(t.Context(), m.Key, m.Digest, "aphex-config.yaml")
	require.NoError(t, err)
	assert.Equal(t, "version", string(data))
	_, err = c.store.FetchFile(t.Context(), m.Key, m.Digest, "gone.yaml")
	assert.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, c.store.Put(t.Context(), m.Key, []byte("other")))
	_, err = OpenS3(c.client, bucket).FetchFile(t.Context(), m.Key, m.Digest, "aphex-config.yaml")
	assert.ErrorContains(t, err, "has changed since the build")
}

func TestAnArtifactIsDownloadedOnceHoweverOftenItIsUsed(t *testing.T) {
	c := newCloud(t)
	source := workspace(t, 0)
	m, err := c.store.Save(t.Context(), packed(t, source), about())
	require.NoError(t, err)
	_, err = c.store.FetchFile(t.Context(), m.Key, m.Digest, "package.json")
	require.NoError(t, err)
	downloaded := c.client.gets.Load()
	require.NoError(t, c.store.Put(t.Context(), m.Key, []byte("other"))) // what was verified is used
	var all errgroup.Group
	for range 3 {
		dir := filepath.Join(t.TempDir(), "out")
		all.Go(func() error {
			if err := c.store.Fetch(t.Context(), m.Key, m.Digest, dir, command.Selection{}); err != nil {
				return err
			}
			_, err := os.Stat(filepath.Join(dir, "dist", "app.js"))
			return err
		})
	}
	require.NoError(t, all.Wait())
	assert.Equal(t, downloaded, c.client.gets.Load())

	require.NoError(t, os.WriteFile(filepath.Join(source, "package.json"), []byte("{}\n"), 0o600))
	next, err := c.store.Save(t.Context(), packed(t, source), about())
	require.NoError(t, err)
	data, err := c.store.FetchFile(t.Context(), next.Key, next.Digest, "package.json")
	require.NoError(t, err)
	assert.Equal(t, "{}\n", string(data), "another artifact")
	assert.Error(t, c.store.Fetch(t.Context(), next.Key, m.Digest, filepath.Join(t.TempDir(), "out"), command.Selection{}), "another digest is not that of what is kept")
}

// TestAnArtifactThatIsKeptIsAFileThatKubernetesCountsUntilItIsReleased looks where the
// kubelet does: what has no name is not counted, and fills the disk of the node.
func TestAnArtifactThatIsKeptIsAFileThatKubernetesCountsUntilItIsReleased(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	size := func() (all int64) {
		dirs, err := filepath.Glob(filepath.Join(temp, "artifact-*"))
		require.NoError(t, err)
		for _, dir := range dirs {
			info, err := os.Stat(dir)
			require.NoError(t, err)
			require.EqualValues(t, 0o700, info.Mode().Perm())
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, file := range files {
				info, err := file.Info()
				require.NoError(t, err)
				require.EqualValues(t, 0o600, info.Mode().Perm())
				all += info.Size()
			}
		}
		return all
	}
	c := newCloud(t)
	p := packed(t, workspace(t, 0))
	m, err := c.store.Save(t.Context(), p, about())
	require.NoError(t, err)
	p.Remove()
	require.Zero(t, size())

	_, err = c.store.FetchFile(t.Context(), m.Key, m.Digest, "package.json")
	require.NoError(t, err)
	assert.Equal(t, m.Size, size())
	_, err = c.store.FetchFile(t.Context(), m.Key, "sha256:"+strings.Repeat("0", 64), "package.json")
	require.Error(t, err)
	assert.Equal(t, m.Size, size(), "of what is refused, nothing stays")
	c.store.Release()
	assert.Zero(t, size())
	c.store.Release()

	_, err = c.store.FetchFile(t.Context(), m.Key, m.Digest, "package.json")
	require.NoError(t, err, "it is fetched again")
	w := Workspace{Artifact: m.Key, Digest: m.Digest}
	to := &elsewhere{sent: map[string]bytes.Buffer{}}
	_, err = w.Hand(t.Context(), c.store, to, slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	assert.Zero(t, size())
	_, err = Workspace{Source: "."}.Hand(t.Context(), nil, to, slog.New(slog.DiscardHandler), "")
	require.NoError(t, err, "without a bucket")
}

func TestAHostileArchiveWithItsOwnDigestIsRefused(t *testing.T) {
	c := newCloud(t)
	junk := []byte("this is no archive")
	file := filepath.Join(t.TempDir(), "junk")
	require.NoError(t, os.WriteFile(file, junk, 0o644))
	digest, err := digestOfFile(file)
	require.NoError(t, err)
	require.NoError(t, c.store.Put(t.Context(), ArtifactKey(commit, digest), junk))
	dir := t.TempDir()
	err = c.store.Fetch(t.Context(), ArtifactKey(commit, digest), digest, dir, command.Selection{})
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAFetchNeedsADigestAndAnEmptyFolder(t *testing.T) {
	c := newCloud(t)
	m, err := c.store.Save(t.Context(), packed(t, workspace(t, 0)), about())
	require.NoError(t, err)
	for _, digest := range []string{"", "latest", "sha256:", strings.TrimPrefix(m.Digest, "sha256:"), strings.ToUpper(m.Digest), m.Digest + "0", "md5:abc"} {
		assert.Equal(t, errs.Invalid, errs.KindOf(c.store.Fetch(t.Context(), m.Key, digest, t.TempDir(), command.Selection{})), digest)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644))
	assert.Equal(t, errs.Invalid, errs.KindOf(c.store.Fetch(t.Context(), m.Key, m.Digest, dir, command.Selection{})))
	assert.FileExists(t, filepath.Join(dir, "mine"))
}

func TestMissingAndForbiddenObjectsAreNamed(t *testing.T) {
	c := newCloud(t)
	_, err := c.store.Get(t.Context(), "missing")
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error(), "s3://"+bucket+"/missing: no such object")
	assert.ErrorIs(t, err, fs.ErrNotExist)

	err = OpenS3(c.client, "no-such-bucket").Put(t.Context(), "key", nil)
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, err.Error(), "no such bucket")

	c.Fail(awssim.Rule{Service: "s3", Kind: awssim.Refuse, Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"})
	_, err = c.store.Save(t.Context(), packed(t, workspace(t, 0)), about())
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.NotEmpty(t, errs.HintOf(err))
}

func TestABucketThatFailsForAWhileIsAskedAgain(t *testing.T) {
	faults := map[string]awssim.Rule{
		"500": {Kind: awssim.Status, Status: 500, Times: 2}, "503": {Kind: awssim.Status, Status: 503, Times: 2},
		"throttle": {Kind: awssim.Throttle, Times: 2}, "hanging up": {Kind: awssim.Drop, Times: 2},
	}
	for name, rule := range faults {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			for _, operation := range []string{"PutObject", "GetObject", "ListObjectsV2"} {
				rule.Service, rule.Operation = "s3", operation
				c.Fail(rule)
			}
			m, err := c.store.Save(t.Context(), packed(t, workspace(t, 0)), about())
			require.NoError(t, err)
			require.NoError(t, c.store.Fetch(t.Context(), m.Key, m.Digest, t.TempDir(), command.Selection{}))

			c.Fail(awssim.Rule{Service: "s3", Kind: rule.Kind, Status: rule.Status})
			_, err = c.store.Get(t.Context(), m.Key)
			require.Error(t, err, "when it goes on failing")
			assert.Equal(t, errs.Temporary, errs.KindOf(err), err)
		})
	}
}

func TestAMultipartUploadWithALostResponseSucceeds(t *testing.T) {
	c := newCloud(t)
	c.Fail(awssim.Rule{Service: "s3", Operation: "CompleteMultipartUpload", Kind: awssim.Drop, AfterEffect: true, Times: 1})
	m, err := c.store.Save(t.Context(), packed(t, workspace(t, 20)), about())
	require.NoError(t, err)
	require.NoError(t, c.store.Fetch(t.Context(), m.Key, m.Digest, t.TempDir(), command.Selection{}))

	c.Fail(awssim.Rule{Service: "s3", Operation: "CompleteMultipartUpload", Kind: awssim.Refuse, Status: 404, Code: "NoSuchUpload", Message: "gone"})
	_, err = c.store.Save(t.Context(), packed(t, workspace(t, 21)), about())
	require.ErrorContains(t, err, "NoSuchUpload", "an aborted upload does not count as completed")
}

func TestAnUnresponsiveBucketTimesOut(t *testing.T) {
	c := newCloud(t)
	m, err := c.store.Save(t.Context(), packed(t, workspace(t, 0)), about())
	require.NoError(t, err)
	c.Fail(awssim.Rule{Service: "s3", Kind: awssim.Delay, Delay: time.Hour})
	c.store.limit = 200 * time.Millisecond
	err = c.store.Fetch(t.Context(), m.Key, m.Digest, t.TempDir(), command.Selection{})
	require.Error(t, err)
	assert.Equal(t, errs.Temporary, errs.KindOf(err), err)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	err = c.store.Fetch(ctx, m.Key, m.Digest, t.TempDir(), command.Selection{})
	require.Error(t, err)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err), err)
}

func TestADocumentHasItsContentType(t *testing.T) {
	c := newCloud(t)
	for key, kind := range map[string]string{"a/report.json": "application/json", "a/log.txt": "text/plain; charset=utf-8", "a/other": "application/octet-stream"} {
		require.NoError(t, c.store.Put(t.Context(), key, []byte("{}")))
		head, err := c.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
		require.NoError(t, err)
		assert.Equal(t, kind, *head.ContentType)
	}
}

func TestAFolderThatIsMissingCannotBePacked(t *testing.T) {
	_, err := Pack(t.Context(), filepath.Join(t.TempDir(), "missing"), func(string) bool { return false })
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestABucketThatIsMissingIsFoundBeforeAnythingIsStored(t *testing.T) {
	c := newCloud(t)
	require.NoError(t, c.store.Prepare(t.Context()))
	err := OpenS3(c.client, "nope-bucket").Prepare(t.Context())
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.ErrorContains(t, err, "s3://nope-bucket/: no such bucket")

	c.Fail(awssim.Rule{Service: "s3", Kind: awssim.Refuse, Status: http.StatusForbidden, Code: "AccessDenied", Message: "no"})
	assert.NoError(t, c.store.Prepare(t.Context()), "a role need not be allowed to list")
}
