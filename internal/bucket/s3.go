package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

const (
	// transferLimit is the timeout of an upload or download; it may be retried.
	transferLimit = 20 * time.Minute
	// maxDocument is the largest document that Get reads, in bytes.
	maxDocument = 64 << 20
)

// Client is the part of S3 that a bucket uses; *s3.Client implements it.
type Client interface{ transfermanager.S3APIClient }

// S3 is a bucket of S3.
type S3 struct {
	name     string
	client   Client
	transfer *transfermanager.Client
	limit    time.Duration

	mu   sync.Mutex
	kept artifact
}

// artifact is the content of an artifact that was fetched and verified last: what is
// needed of it later is neither fetched nor verified again. Its file is in a folder of its
// own and keeps its name, so that Kubernetes counts it as storage that the pod uses.
type artifact struct {
	key, digest string
	file        *os.File
}

// remove removes the file. Whoever reads it continues.
func (a artifact) remove() {
	if a.file != nil {
		_ = os.RemoveAll(filepath.Dir(a.file.Name()))
	}
}

var _ Bucket = (*S3)(nil)

// OpenS3 opens the bucket of that name. The client's region must be the bucket's.
func OpenS3(client Client, name string) *S3 {
	return &S3{name: name, client: client, limit: transferLimit, transfer: transfermanager.New(client, func(o *transfermanager.Options) {
		o.ChecksumAlgorithm = transfer.ChecksumAlgorithmSha256
		o.GetObjectType = transfer.GetObjectRanges
		o.FailTimeout = 10 * time.Second // time to delete the parts of a cancelled upload
	})}
}

func (s *S3) String() string { return "s3://" + s.name }

// Prepare fails if the bucket does not exist. The installation of the pipeline
// creates it. Prepare does not check write access, and the role may lack the
// permission to list the bucket. It lists the keys of a commit that does not exist, as
// the role of the build may list those of commits alone.
func (s *S3) Prepare(ctx context.Context) error {
	none := DocumentKey(strings.Repeat("0", commitDigits))
	_, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.name, Prefix: &none, MaxKeys: aws.Int32(1)})
	if errs.Code(err) == "NoSuchBucket" {
		return explain(err, "checking", s.name, "")
	}
	return ctx.Err()
}

// Put stores a document with a SHA-256 checksum.
func (s *S3) Put(ctx context.Context, key string, data []byte) error {
	return s.put(ctx, &s3.PutObjectInput{Key: &key}, data)
}

// Get reads a document.
func (s *S3) Get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := s.get(ctx, key)
	return data, err
}

// Create stores a document with the condition that none exists.
func (s *S3) Create(ctx context.Context, key string, data []byte) error {
	return s.put(ctx, &s3.PutObjectInput{Key: &key, IfNoneMatch: aws.String("*")}, data)
}

// maxUpdates is how often Update tries to be the first.
const maxUpdates = 10

// Update stores a document with the condition that it is still the one that it read.
func (s *S3) Update(ctx context.Context, key string, change Change) error {
	var failed error
	for range maxUpdates {
		before, tag, err := s.get(ctx, key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		after, err := change(before)
		if err != nil || after == nil || bytes.Equal(before, after) && tag != nil {
			return err
		}
		in := &s3.PutObjectInput{Key: &key, IfMatch: tag}
		if tag == nil {
			in.IfNoneMatch = aws.String("*")
		}
		// After a lost response, the SDK repeats the call, which then fails: the next
		// round finds the document that it wrote.
		if failed = s.put(ctx, in, after); !isOvertaken(failed) {
			return failed
		}
	}
	return errs.Temporaryf("%s/%s was changed %d times while it was updated: %w", s, key, maxUpdates, failed)
}

// isOvertaken reports whether a document was created, changed or deleted after it was read.
func isOvertaken(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist)
}

// put stores a document under the key and the conditions of in.
func (s *S3) put(ctx context.Context, in *s3.PutObjectInput, data []byte) error {
	sum := sha256.Sum256(data)
	in.Bucket, in.Body, in.ContentType = &s.name, bytes.NewReader(data), aws.String(contentType(*in.Key))
	in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	_, err := s.client.PutObject(ctx, in, func(o *s3.Options) {
		o.Retryer = retry.AddWithErrorCodes(o.Retryer, "ConditionalRequestConflict") // of two writers at once: 409, try again
	})
	return explain(err, "storing", s.name, *in.Key)
}

// get reads a document and its entity tag.
func (s *S3) get(ctx context.Context, key string) (data []byte, tag *string, err error) {
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.name, Key: &key})
	if err != nil {
		return nil, nil, explain(err, "reading", s.name, key)
	}
	defer object.Body.Close()
	data, err = limits.ReadAll(object.Body, maxDocument)
	switch {
	case errors.Is(err, limits.ErrExceeded):
		return nil, nil, errs.Failedf("%s/%s: %w", s, key, err)
	case err != nil:
		return nil, nil, errs.Temporaryf("reading %s/%s: %w", s, key, err)
	}
	return data, object.ETag, nil
}

// List returns the keys that begin with prefix, in order.
func (s *S3) List(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(err, "listing", s.name, prefix)
		}
		for _, object := range page.Contents {
			keys = append(keys, aws.ToString(object.Key))
		}
	}
	return keys, nil
}
