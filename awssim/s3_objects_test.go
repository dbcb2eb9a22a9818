package awssim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

var ctx = context.Background()

// shelf is a bucket with an SDK client for it.
type shelf struct {
	*s3.Client
	t    *testing.T
	name *string
}

func (c cloud) bucket(account, region, name string) shelf {
	c.t.Helper()
	s := shelf{c.s3(account, region), c.t, aws.String(name)}
	input := &s3.CreateBucketInput{Bucket: s.name}
	if region != "us-east-1" {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := s.CreateBucket(ctx, input)
	require.NoError(c.t, err)
	return s
}

func (s shelf) put(key, text string) *s3.PutObjectOutput {
	s.t.Helper()
	out, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: &key, Body: strings.NewReader(text)})
	require.NoError(s.t, err)
	return out
}

func (s shelf) get(key string) (string, error) {
	out, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	return string(text), err
}

func (s shelf) version() {
	s.t.Helper()
	_, err := s.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: s.name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	require.NoError(s.t, err)
}

// code is the error code of an API error.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestAnObjectIsReadAsItWasWritten(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	_, err := s.PutObject(ctx, &s3.PutObjectInput{
		Bucket: s.name, Key: aws.String("a/b.json"), Body: strings.NewReader("{}"), ContentType: aws.String("application/json"),
		CacheControl: aws.String("no-store"), Metadata: map[string]string{"commit": "abc"}, Tagging: aws.String("team=red&x=y%20z"),
	})
	require.NoError(t, err)
	got, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("a/b.json")})
	require.NoError(t, err)
	assert.Equal(t, "application/json", *got.ContentType)
	assert.Equal(t, "no-store", *got.CacheControl)
	assert.Equal(t, map[string]string{"commit": "abc"}, got.Metadata)
	assert.Equal(t, int32(2), *got.TagCount)
	assert.Equal(t, `"99914b932bd37a50b983c5e7c90ae93b"`, *got.ETag)
	assert.WithinDuration(t, time.Now(), *got.LastModified, 5*time.Second)
	tags, err := s.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: s.name, Key: aws.String("a/b.json")})
	require.NoError(t, err)
	assert.Equal(t, "y z", *tags.TagSet[1].Value)
	_, err = s.get("a/c")
	require.Equal(t, "NoSuchKey", code(err))
	_, err = s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.name, Key: aws.String("a/c")})
	require.Equal(t, "NotFound", code(err))
}

func TestHostileKeysStayInTheirBucket(t *testing.T) {
	parent := t.TempDir()
	s := start(t, awssim.Options{Dir: filepath.Join(parent, "deep", "state")}).bucket(devAccount, ireland, "shelf")
	keys := []string{
		"plain", "a/b", "a", "a/b/c", "../../escape", "..", ".", "/", "//", "a//b", "/absolute", "dir/", "dir/../x", "x\\y", "sp ace+plus%25", "ünï", "c\x01ontrol",
		strings.Repeat("k", 1024), strings.Repeat("d/", 500), "a?b#c&d=e", "~", "*", "%2e%2e/%2e%2e", "back`tick", "quote\"'<&>",
	}
	for i, key := range keys {
		s.put(key, fmt.Sprint("content ", i))
	}
	for i, key := range keys {
		text, err := s.get(key)
		require.NoError(t, err, "%q", key)
		require.Equal(t, fmt.Sprint("content ", i), text, "%q", key)
	}
	listed, err := s.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: s.name, EncodingType: types.EncodingTypeUrl})
	require.NoError(t, err)
	require.Len(t, listed.Contents, len(keys))
	readable, err := os.ReadFile(filepath.Join(parent, "deep", "state", "s3", "shelf", "sp ace+plus%25"))
	require.NoError(t, err, "a key that is a valid file name is one")
	require.Contains(t, string(readable), "content")
	inside, err := filepath.Glob(filepath.Join(parent, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(parent, "deep")}, inside)
	for _, key := range keys {
		_, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.name, Key: &key})
		require.NoError(t, err, "%q", key)
	}
	_, err = s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String(strings.Repeat("k", 1025)), Body: strings.NewReader("")})
	require.Equal(t, "KeyTooLongError", code(err))
	_, err = s.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: s.name})
	require.NoError(t, err)
}

func TestTheChecksumsOfAnUploadAreVerified(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "SHA1", "SHA256"} {
		out, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String("k"), Body: strings.NewReader("hello"), ChecksumAlgorithm: algorithm})
		require.NoError(t, err, algorithm)
		assert.Equal(t, types.ChecksumTypeFullObject, out.ChecksumType)
		_, err = s.get("k")
		require.NoError(t, err, "the SDK compares the %s on the way back", algorithm)
	}
	_, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String("k"), Body: strings.NewReader("hello"), ChecksumSHA256: aws.String("bm90IHRoZSBoYXNo")})
	require.Equal(t, "BadDigest", code(err))
	_, err = s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String("k"), Body: strings.NewReader("hello"), ContentMD5: aws.String("bm90IHRoZSBoYXNo")})
	require.Equal(t, "BadDigest", code(err))
	out := s.put("nvme", "123456789")
	require.NotNil(t, out.ChecksumCRC32, "the SDK's default")
}

// stream puts a body in aws-chunked framing, as SDKs send what they cannot
// rewind.
func (c cloud) stream(bucket, key, body string) *http.Response {
	c.t.Helper()
	const hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.URL()+"/"+bucket+"/"+key, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
	r.Header.Set("Content-Encoding", "aws-chunked")
	r.Header.Set("X-Amz-Decoded-Content-Length", "11")
	c.sign(r, c.AddAccount(devAccount), "s3", ireland, hash)
	response, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestTheTrailingChecksumOfAStreamIsVerified(t *testing.T) {
	c := newCloud(t)
	s := c.bucket(devAccount, ireland, "shelf")
	const body = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n"
	require.Equal(t, http.StatusOK, c.stream("shelf", "k", fmt.Sprintf(body, "DUoRhQ==")).StatusCode)
	out, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	require.NoError(t, err)
	require.Nil(t, out.ContentEncoding, "the framing is none of the object's encodings")
	require.Equal(t, "DUoRhQ==", *out.ChecksumCRC32)
	text, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	require.Equal(t, "hello world", string(text))
	require.Equal(t, http.StatusBadRequest, c.stream("shelf", "k", fmt.Sprintf(body, "AAAAAA==")).StatusCode)
	require.Equal(t, http.StatusBadRequest, c.stream("shelf", "k", "5\r\nhello\r\n0\r\n\r\n").StatusCode, "shorter than declared")
	require.Equal(t, http.StatusBadRequest, c.stream("shelf", "k", "garbage").StatusCode)
}

func TestConditions(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	create := &s3.PutObjectInput{Bucket: s.name, Key: aws.String("once"), Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")}
	first, err := s.PutObject(ctx, create)
	require.NoError(t, err)
	create.Body = strings.NewReader("2")
	_, err = s.PutObject(ctx, create)
	require.Equal(t, "PreconditionFailed", code(err))

	swap := &s3.PutObjectInput{Bucket: s.name, Key: aws.String("once"), Body: strings.NewReader("3"), IfMatch: first.ETag}
	_, err = s.PutObject(ctx, swap)
	require.NoError(t, err)
	swap.Body = strings.NewReader("4")
	_, err = s.PutObject(ctx, swap)
	require.Equal(t, "PreconditionFailed", code(err))
	text, err := s.get("once")
	require.NoError(t, err)
	require.Equal(t, "3", text)

	_, err = s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("once"), IfMatch: first.ETag})
	require.Equal(t, "PreconditionFailed", code(err))
	_, err = s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("once"), IfModifiedSince: aws.Time(time.Now().Add(time.Hour))})
	require.Equal(t, "NotModified", code(err))
}

// TestAWriteThatComparesNeedsThePermissionToRead is in the S3 User Guide: If-Match needs
// s3:GetObject besides s3:PutObject, If-None-Match does not.
func TestAWriteThatComparesNeedsThePermissionToRead(t *testing.T) {
	c := newCloud(t)
	admin := c.bucket(devAccount, ireland, "shelf")
	policy := func(actions string) string {
		return fmt.Sprintf(`{"Statement":[{"Effect":"Allow","Action":[%s],"Resource":"arn:aws:s3:::shelf/*"}]}`, actions)
	}
	for name, given := range map[string]struct{ actions, refused string }{"writer": {`"s3:PutObject"`, "AccessDenied"}, "reader": {`"s3:PutObject","s3:GetObject"`, "<nil>"}} {
		as, err := c.assume(c.as(devAccount, ireland), c.role(devAccount, name, fmt.Sprintf(trustAccount, devAccount), policy(given.actions)))
		require.NoError(t, err)
		client := s3.NewFromConfig(as, func(o *s3.Options) { o.UsePathStyle = true })
		first, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: admin.name, Key: &name, Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")})
		require.NoError(t, err, name)
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: admin.name, Key: &name, Body: strings.NewReader("2"), IfMatch: first.ETag})
		require.Equal(t, given.refused, code(err), name)
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: admin.name, Key: aws.String(name + "-missing"), Body: strings.NewReader("2"), IfMatch: first.ETag})
		require.Error(t, err, name)
	}
}

func TestOfManyWritersOnlyOneCreates(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	var group sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		group.Go(func() {
			_, results[i] = s.PutObject(ctx, &s3.PutObjectInput{
				Bucket: s.name, Key: aws.String("lock"), Body: strings.NewReader(fmt.Sprint(i)), IfNoneMatch: aws.String("*"),
			})
		})
	}
	group.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else {
			require.Equal(t, "PreconditionFailed", code(err))
		}
	}
	require.Equal(t, 1, won)
}

func TestRanges(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	s.put("digits", "0123456789")
	for header, want := range map[string]string{
		"bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789", "bytes=0-99": "0123456789", "bytes=-99": "0123456789", "bytes=9-9": "9",
		"bytes=a-b": "0123456789", "bytes=0-1,3-4": "0123456789", "lines=1-2": "0123456789",
	} {
		out, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("digits"), Range: &header})
		require.NoError(t, err, header)
		text, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		assert.Equal(t, want, string(text), header)
	}
	_, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: s.name, Key: aws.String("digits"), Range: aws.String("bytes=10-")})
	require.Equal(t, "InvalidRange", code(err))
}

func TestTheTransferManagerMovesLargeObjectsBothWays(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	content := make([]byte, 17<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	manager := transfermanager.New(s.Client)
	_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: s.name, Key: aws.String("large"), Body: bytes.NewReader(content)})
	require.NoError(t, err)
	head, err := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.name, Key: aws.String("large"), PartNumber: aws.Int32(1)})
	require.NoError(t, err)
	require.Equal(t, int32(3), *head.PartsCount)
	var back writerAt
	_, err = manager.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: s.name, Key: aws.String("large"), WriterAt: &back})
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, back.bytes))
}

type writerAt struct {
	mu    sync.Mutex
	bytes []byte
}

func (w *writerAt) WriteAt(p []byte, at int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if need := int(at) + len(p); need > len(w.bytes) {
		w.bytes = append(w.bytes, make([]byte, need-len(w.bytes))...)
	}
	return copy(w.bytes[at:], p), nil
}

func TestAPresignedURLOpensOneObject(t *testing.T) {
	c := newCloud(t)
	s := c.bucket(devAccount, ireland, "shelf")
	s.put("public", "hello")
	presigned, err := s3.NewPresignClient(s.Client).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: s.name, Key: aws.String("public"), ResponseContentType: aws.String("text/plain"),
	})
	require.NoError(t, err)
	get := func(url string) (*http.Response, string) {
		response, err := http.Get(url)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(text)
	}
	response, text := get(presigned.URL)
	assert.Equal(t, "hello", text)
	assert.Equal(t, "text/plain", response.Header.Get("Content-Type"))
	response, text = get(strings.Replace(presigned.URL, "public", "secret", 1))
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Contains(t, text, "SignatureDoesNotMatch")
	response, _ = get(c.URL() + "/shelf/public")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
}
