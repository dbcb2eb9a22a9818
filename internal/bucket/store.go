package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"os"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// transferLimit bounds a whole upload or download: a bucket that answers
	// slowly is given up, and may be asked again.
	transferLimit = 20 * time.Minute
	// maxDocument bounds in bytes what Get reads into memory.
	maxDocument = 64 << 20
)

// Client is what a Store needs of S3; *s3.Client is one.
type Client interface{ transfermanager.S3APIClient }

// Store keeps artifacts, documents and logs in buckets.
type Store struct {
	client   Client
	transfer *transfermanager.Client
	limit    time.Duration // 0 is transferLimit
}

// NewStore makes a store. The client's region must be that of the buckets.
func NewStore(client Client) *Store {
	return &Store{client: client, limit: transferLimit, transfer: transfermanager.New(client, func(o *transfermanager.Options) {
		o.ChecksumAlgorithm = transfer.ChecksumAlgorithmSha256
		o.GetObjectType = transfer.GetObjectRanges
		o.FailTimeout = 10 * time.Second // a cancelled upload leaves no parts behind
	})}
}

// Put stores data under key, checked by its SHA-256 on the way.
func (s *Store) Put(ctx context.Context, bucket, key string, data []byte) error {
	sum := sha256.Sum256(data)
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), ContentType: aws.String(contentType(key)),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	})
	return explain(err, "storing", bucket, key)
}

// PutJSON stores a value as JSON for people to read.
func (s *Store) PutJSON(ctx context.Context, bucket, key string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %q: %w", key, err)
	}
	return s.Put(ctx, bucket, key, data)
}

// PutFile stores a file, such as a log, in parts when it is large.
func (s *Store) PutFile(ctx context.Context, bucket, key, file string) error {
	return s.upload(ctx, &transfermanager.UploadObjectInput{Bucket: &bucket, Key: &key, ContentType: aws.String(contentType(key))}, file)
}

func (s *Store) upload(ctx context.Context, object *transfermanager.UploadObjectInput, file string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, errSlow)
	defer cancel()
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	object.Body = in
	_, err = s.transfer.UploadObject(ctx, object)
	return explain(cause(ctx, err), "storing", *object.Bucket, *object.Key)
}

// Get reads an object of at most 64 MiB.
func (s *Store) Get(ctx context.Context, bucket, key string) ([]byte, error) {
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, explain(err, "reading", bucket, key)
	}
	defer object.Body.Close()
	data, err := io.ReadAll(io.LimitReader(object.Body, maxDocument+1))
	if err != nil {
		return nil, errs.Temporaryf("reading s3://%s/%s: %w", bucket, key, err)
	}
	if len(data) > maxDocument {
		return nil, errs.Failedf("s3://%s/%s is larger than %d MiB", bucket, key, maxDocument>>20)
	}
	return data, nil
}

// GetJSON reads an object into value.
func (s *Store) GetJSON(ctx context.Context, bucket, key string, value any) error {
	data, err := s.Get(ctx, bucket, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return errs.Failedf("s3://%s/%s is not the JSON that was expected: %w", bucket, key, err)
	}
	return nil
}

// List gives the keys that begin with prefix, in order.
func (s *Store) List(ctx context.Context, bucket, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(err, "listing", bucket, prefix)
		}
		for _, object := range page.Contents {
			keys = append(keys, aws.ToString(object.Key))
		}
	}
	return keys, nil
}

func contentType(key string) string {
	switch path.Ext(key) {
	case ".zst":
		return "application/zstd"
	case ".log":
		return "text/plain; charset=utf-8"
	}
	if known := mime.TypeByExtension(path.Ext(key)); known != "" {
		return known
	}
	return "application/octet-stream"
}
