package bucket

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

const (
	bucket = "aphex-pipeline-artifacts-111111111111-eu-west-1"
	commit = "5a105e8b9d40e1329780d62ea2265d8a5a105e8b"
)

// cloud is a simulator with the pipeline's bucket.
type cloud struct {
	*awssim.Server
	client *countingClient
	store  *S3
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	_, err = server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	key := server.AddAccount("111111111111")
	client := s3.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 5, 10*time.Millisecond })
		},
	}, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: types.BucketLocationConstraintEuWest1,
	}})
	require.NoError(t, err)
	counting := &countingClient{Client: client}
	return cloud{Server: server, client: counting, store: OpenS3(counting, bucket)}
}

// countingClient counts what is sent.
type countingClient struct {
	*s3.Client
	puts, parts, gets atomic.Int32
}

func (c *countingClient) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	c.gets.Add(1)
	return c.Client.GetObject(ctx, in, o...)
}

func (c *countingClient) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	c.puts.Add(1)
	return c.Client.PutObject(ctx, in, o...)
}

func (c *countingClient) UploadPart(ctx context.Context, in *s3.UploadPartInput, o ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	c.parts.Add(1)
	return c.Client.UploadPart(ctx, in, o...)
}

// workspace makes a folder; megabytes adds a file that does not compress.
func workspace(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	random := make([]byte, megabytes<<20)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(random)
	for name, content := range map[string][]byte{"package.json": []byte("{}"), "dist/app.js": []byte("code"), ".git/HEAD": []byte("x"), "random": random} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	return dir
}

func packed(t *testing.T, dir string) Packed {
	t.Helper()
	p, err := Pack(t.Context(), dir, func(path string) bool { return path == ".git" })
	require.NoError(t, err)
	t.Cleanup(p.Remove)
	return p
}

func about() Metadata {
	return Metadata{
		Commit: commit, Branch: "feature/ümläut #1", Repository: "https://github.com/aphex/shop",
		Timestamp: time.Date(2026, 11, 23, 7, 30, 0, 123, time.FixedZone("", 3600)),
		Commands:  []Command{{Command: "npm ci", Seconds: 1.5}},
		Artifacts: []File{{Path: "dist/app.js", Size: 4, SHA256: "ab"}}, Tools: map[string]string{"node": "v22"},
	}
}

// digestOfFile returns the digest of a file.
func digestOfFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return digestOfAll(file)
}
