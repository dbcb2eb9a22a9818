package assets_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func write(t *testing.T, file, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

func destination(key string) []assembly.FileDestination {
	return []assembly.FileDestination{{
		ID: "d", Bucket: "assets-${AWS::AccountId}-${AWS::Region}", Key: key,
		Role: assembly.Role{ARN: "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/publishing"},
	}}
}

func publisher(t *testing.T) *assets.Publisher {
	return assets.New(assets.Options{Runner: proc.Runner{}, Temp: t.TempDir(), Env: os.Environ()})
}

func TestAFileIsUploadedWithItsTypeAndChecksum(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "h", Name: "Template", Path: write(t, filepath.Join(root, "t.json"), "{}"), Destinations: destination("h.json")},
		{ID: "x", Name: "Blob", Path: write(t, filepath.Join(root, "blob"), "b"), Destinations: destination("x")},
	}}
	var events []assets.Event
	var mu sync.Mutex
	p := assets.New(assets.Options{Runner: proc.Runner{}, Temp: t.TempDir(), Notify: func(e assets.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}})
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	put := s.objects["/assets-111111111111-eu-west-1/h.json"]
	require.NotNil(t, put)
	assert.Equal(t, "application/json", put.Get("Content-Type"))
	sum := sha256.Sum256([]byte("{}"))
	assert.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), put.Get("X-Amz-Checksum-Sha256"))
	assert.Empty(t, put.Get("X-Amz-Server-Side-Encryption"))
	assert.Equal(t, "application/octet-stream", s.objects["/assets-111111111111-eu-west-1/x"].Get("Content-Type"))
	assert.Contains(t, s.entered, "arn:aws:iam::111111111111:role/publishing")
	assert.Contains(t, events, assets.Event{Asset: "Template", To: "s3://assets-111111111111-eu-west-1/h.json", Step: assets.Published, Bytes: 2})
}

func TestExistingFilesAreNotUploadedExceptEmptyArchives(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	file := write(t, filepath.Join(root, "a.txt"), "text")
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "there", Path: file, Destinations: destination("there.txt")},
		{ID: "empty", Path: file, Destinations: destination("empty.zip")},
	}}
	there := "/assets-111111111111-eu-west-1/there.txt" // as older releases of the CDK CLI publish: without a checksum
	s.objects[there], s.bodies[there] = http.Header{}, []byte("text")
	s.sizes["/assets-111111111111-eu-west-1/empty.zip"] = 22
	require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
	assert.Empty(t, s.objects[there])
	assert.Contains(t, s.objects, "/assets-111111111111-eu-west-1/empty.zip")
}

func TestTheBucketsEncryptionIsAskedForOnceAndUsed(t *testing.T) {
	rule := `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>%s</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`
	for body, want := range map[string][2]string{
		fmt.Sprintf(rule, `<SSEAlgorithm>AES256</SSEAlgorithm>`):                                        {"AES256", ""},
		fmt.Sprintf(rule, `<SSEAlgorithm>aws:kms</SSEAlgorithm>`):                                       {"aws:kms", ""},
		fmt.Sprintf(rule, `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>`): {"aws:kms", "key-1"},
	} {
		s, root := newStub(t), t.TempDir()
		s.encryption = body
		list := &assembly.AssetManifest{Root: root}
		for i := range 5 {
			list.Files = append(list.Files, assembly.FileAsset{
				ID: fmt.Sprint(i), Path: write(t, filepath.Join(root, fmt.Sprint(i)), "x"), Destinations: destination(fmt.Sprint(i)),
			})
		}
		require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
		put := s.objects["/assets-111111111111-eu-west-1/4"]
		assert.Equal(t, want[0], put.Get("X-Amz-Server-Side-Encryption"))
		assert.Equal(t, want[1], put.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
		assert.Equal(t, 1, s.calls["location"])
		assert.Equal(t, 1, s.calls["encryption"])
		assert.Equal(t, 5, s.calls["list"])
	}
}

func TestAnAssetOfManyStacksIsPublishedOnce(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	write(t, filepath.Join(root, "code", "index.js"), "1")
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "c", Path: filepath.Join(root, "code"), Zip: true, Destinations: destination("c.zip")},
	}}
	p := publisher(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { assert.NoError(t, p.Publish(t.Context(), list, s.place())) })
	}
	wait.Wait()
	assert.Equal(t, 1, s.calls["put"])
	assert.Equal(t, "application/zip", s.objects["/assets-111111111111-eu-west-1/c.zip"].Get("Content-Type"))
}

func TestNoMoreAssetsAtOnceThanAllowed(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := &assembly.AssetManifest{Root: root}
	for i := range 30 {
		list.Files = append(list.Files, assembly.FileAsset{ID: fmt.Sprint(i), Path: write(t, filepath.Join(root, fmt.Sprint(i)), "x"), Destinations: destination(fmt.Sprint(i))})
	}
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, AtOnce: 3, Temp: t.TempDir()}).Publish(t.Context(), list, s.place()))
	assert.Equal(t, 30, s.calls["put"])
	assert.LessOrEqual(t, s.most, 3)
}

func TestACommandOfTheManifestBuildsTheFile(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	file := write(t, filepath.Join(root, "made"), "archive")
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "m", Command: []string{"sh", "-c", "echo " + file}, Destinations: destination("m.zip")},
	}}
	require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
	assert.Equal(t, "archive", string(s.bodies["/assets-111111111111-eu-west-1/m.zip"]))
	assert.Equal(t, "application/zip", s.objects["/assets-111111111111-eu-west-1/m.zip"].Get("Content-Type"))

	list.Files[0].Command = []string{"sh", "-c", "echo oh no >&2; exit 4"}
	err := publisher(t).Publish(t.Context(), list, s.place())
	require.ErrorContains(t, err, "oh no: sh exited with code 4")
	list.Files[0].Command = []string{"true"}
	require.ErrorContains(t, publisher(t).Publish(t.Context(), list, s.place()), "printed no file name")
	list.Files[0].Command = []string{"sh", "-c", "head -c 70000 /dev/zero | tr '\\0' /; echo"}
	require.ErrorContains(t, publisher(t).Publish(t.Context(), list, s.place()), "it printed more than the 64 KiB that a name may have")
}

func TestTheHintForAMissingBootstrapBucketIsToBootstrap(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	for bucket, hint := range map[string]string{
		"cdk-gone-assets-111111111111-eu-west-1": "bootstrap the account: `cdk bootstrap aws://111111111111/eu-west-1`",
		"gone":                                   "deploy the stack that creates this bucket first",
	} {
		list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
			{ID: "a", Name: "A", Path: write(t, filepath.Join(root, "a"), "x"), Destinations: []assembly.FileDestination{{Bucket: bucket, Key: "k"}}},
		}}
		for _, do := range []func(context.Context, *assembly.AssetManifest, assets.Target) error{publisher(t).Publish, publisher(t).Check} {
			err := do(t.Context(), list, s.place())
			require.ErrorContains(t, err, "there is no bucket "+bucket)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), hint)
		}
	}
}

func TestAMissingBucketOfTwoAssetsIsOneError(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := &assembly.AssetManifest{Root: root}
	for _, id := range []string{"a", "b"} {
		list.Files = append(list.Files, assembly.FileAsset{
			ID: id, Name: id, Path: write(t, filepath.Join(root, id), id), Destinations: []assembly.FileDestination{{Bucket: "gone", Key: id}},
		})
	}
	err := publisher(t).Publish(t.Context(), list, s.place())
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(err.Error(), "there is no bucket gone"), "%v", err)
}

func TestACheckPublishesNothingAndItsAnswersAreRemembered(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "a", Name: "A", Path: write(t, filepath.Join(root, "a"), "x"), Destinations: destination("a")},
	}}
	p := publisher(t)
	require.NoError(t, p.Check(t.Context(), list, s.place()))
	require.NoError(t, p.Build(t.Context(), list, s.place()))
	assert.Empty(t, s.objects)
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	assert.Len(t, s.objects, 1)
	assert.Equal(t, 1, s.calls["list"])
}

func TestABucketCreatedAfterAFailedCheckIsFound(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{
		{ID: "a", Name: "A", Path: write(t, filepath.Join(root, "a"), "x"), Destinations: []assembly.FileDestination{{Bucket: "later", Key: "k"}}},
	}}
	p := publisher(t)
	s.absent = "/later"
	require.Error(t, p.Check(t.Context(), list, s.place()))
	require.Error(t, p.Build(t.Context(), list, s.place()))
	s.absent = ""
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	assert.Contains(t, s.objects, "/later/k")
}

func TestAMissingSourceIsAnErrorOnlyForAnUnpublishedAsset(t *testing.T) {
	s := newStub(t)
	list := &assembly.AssetManifest{Files: []assembly.FileAsset{{ID: "a", Name: "A", Missing: errors.New("it is gone"), Destinations: destination("a")}}}
	require.ErrorContains(t, publisher(t).Check(t.Context(), list, s.place()), "the asset A: it is gone")
	require.ErrorContains(t, publisher(t).Publish(t.Context(), list, s.place()), "the asset A: it is gone")
	s.sizes["/assets-111111111111-eu-west-1/a"] = 100
	require.NoError(t, publisher(t).Check(t.Context(), list, s.place()))
	require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
}

func TestNothingIsPublishedToAnAccountWithoutBootstrap(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	place := s.place()
	place.Require = func(_ context.Context, needs assembly.Bootstrap) error {
		assert.Equal(t, 6, needs.MinVersion)
		return errors.New("too old")
	}
	list := &assembly.AssetManifest{Root: root, Bootstrap: assembly.Bootstrap{MinVersion: 6}, Files: []assembly.FileAsset{
		{ID: "a", Path: write(t, filepath.Join(root, "a"), "x"), Destinations: destination("a")},
	}}
	require.EqualError(t, publisher(t).Publish(t.Context(), list, place), "too old")
	assert.Empty(t, s.calls)
	assert.NoError(t, publisher(t).Publish(t.Context(), &assembly.AssetManifest{}, place), "nothing to publish needs nothing")
}

func TestACancelledPublicationStartsNothing(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list := &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{{ID: "a", Path: root, Destinations: destination("a")}}}
	require.ErrorIs(t, publisher(t).Publish(ctx, list, s.place()), context.Canceled)
	assert.Empty(t, s.calls)
}

func TestManyAssetsOfOneLargeSourceAreBoundedTogether(t *testing.T) {
	root := t.TempDir()
	file := write(t, filepath.Join(root, "code", "large"), strings.Repeat("x", 1000))
	for name, c := range map[string]struct {
		asset assembly.FileAsset
		most  int64 // bytes
	}{
		"a file":   {assembly.FileAsset{Path: file}, 4500},
		"a folder": {assembly.FileAsset{Path: filepath.Dir(file), Zip: true}, 1200},
	} {
		t.Run(name, func(t *testing.T) {
			list := &assembly.AssetManifest{Root: root}
			for i := range 100 {
				c.asset.ID, c.asset.Name, c.asset.Destinations = fmt.Sprint(i), fmt.Sprint(i), destination(fmt.Sprint(i))
				list.Files = append(list.Files, c.asset)
			}
			s, temp := newStub(t), t.TempDir()
			options := assets.Options{Runner: proc.Runner{}, Temp: temp}
			require.NoError(t, assets.New(options).Publish(t.Context(), list, s.place()))
			packed, err := os.ReadDir(temp)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(packed), 1, "one folder is packed once")

			s = newStub(t)
			options.Budget = limits.Budget{Bytes: c.most}
			require.ErrorIs(t, assets.New(options).Publish(t.Context(), list, s.place()), limits.ErrExceeded)
			sent := 0
			for _, body := range s.bodies {
				sent += len(body)
			}
			assert.LessOrEqual(t, int64(sent), c.most)
			assert.NotZero(t, sent)
		})
	}
}

func TestFoldersThatLinksMultiplyAreBoundedTogether(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "code", "large"), strings.Repeat("x", 1000))
	list := &assembly.AssetManifest{Root: root}
	for i := range 100 {
		link := filepath.Join(root, fmt.Sprint("link", i))
		require.NoError(t, os.Symlink("code", link))
		list.Files = append(list.Files, assembly.FileAsset{ID: fmt.Sprint(i), Path: link, Zip: true, Destinations: destination(fmt.Sprint(i))})
	}
	s := newStub(t)
	p := assets.New(assets.Options{Runner: proc.Runner{}, Temp: t.TempDir(), Budget: limits.Budget{Bytes: 10_000}})
	require.ErrorIs(t, p.Publish(t.Context(), list, s.place()), limits.ErrExceeded)
	assert.LessOrEqual(t, s.calls["put"], 10)
}
