package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Save stores an artifact. It does not upload an archive that exists already, as
// its name is its digest.
func (s *S3) Save(ctx context.Context, p Packed, m Metadata) (Metadata, error) {
	m = m.of(p)
	there, err := s.holds(ctx, m.Key, m.Size)
	if err != nil {
		return m, err
	}
	if !there {
		err := s.upload(ctx, p.File, &transfermanager.UploadObjectInput{Key: &m.Key, Metadata: m.labels(), Tagging: aws.String(m.tags())})
		if isCompleted(err) || errs.Code(err) == "PreconditionFailed" { // another upload was faster
			there, _ = s.holds(ctx, m.Key, m.Size) // on failure, keep the upload's error
		}
		if err != nil && !there {
			return m, err
		}
	}
	document, err := m.encode()
	if err != nil {
		return m, err
	}
	// The role of the build may overwrite nothing: the description of the first build stays.
	if err := s.Create(ctx, DocumentKey(m.Commit), document); !errors.Is(err, fs.ErrExist) {
		return m, err
	}
	return m, nil
}

// upload stores a file under the key and the labels of what, unless there is one.
func (s *S3) upload(ctx context.Context, file string, what *transfermanager.UploadObjectInput) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, errSlow)
	defer cancel()
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	what.Bucket, what.ContentType, what.Body = &s.name, aws.String(contentType(*what.Key)), in
	what.IfNoneMatch = aws.String("*") // the role of the build may overwrite nothing
	_, err = s.transfer.UploadObject(ctx, what)
	return explain(cause(ctx, err), "storing", s.name, *what.Key)
}

// isCompleted reports whether a multipart upload does not exist any more. That is
// the error of a retry after the response to its completion was lost.
func isCompleted(err error) bool { return errs.Code(err) == "NoSuchUpload" }

// holds reports whether an object of that size exists. It lists the key: without
// the permission to list, a HEAD of a missing object is "access denied".
func (s *S3) holds(ctx context.Context, key string, size int64) (bool, error) {
	page, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.name, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, explain(err, "checking", s.name, key)
	}
	for _, object := range page.Contents {
		if aws.ToString(object.Key) == key && aws.ToInt64(object.Size) == size {
			return true, nil
		}
	}
	return false, nil
}

// Fetch unpacks what is selected of an artifact into a folder.
func (s *S3) Fetch(ctx context.Context, key, digest, dir string, what command.Selection) error {
	in, err := s.verified(ctx, key, digest)
	if err != nil {
		return err
	}
	return unpack(ctx, in, dir, what, nil)
}

// FetchTar is Fetch that also writes the artifact to w as a tar.
func (s *S3) FetchTar(ctx context.Context, key, digest, dir string, what command.Selection, w io.Writer) error {
	in, err := s.verified(ctx, key, digest)
	if err != nil {
		return err
	}
	return unpack(ctx, in, dir, what, w)
}

// FetchFile reads one file of an artifact.
func (s *S3) FetchFile(ctx context.Context, key, digest, name string) ([]byte, error) {
	in, err := s.verified(ctx, key, digest)
	if err != nil {
		return nil, err
	}
	return readFile(in, name)
}

// SaveCache stores a cache of a branch.
func (s *S3) SaveCache(ctx context.Context, branch string, c Cache, p Packed) error {
	return s.upload(ctx, p.File, &transfermanager.UploadObjectInput{Key: aws.String(CacheKey(branch, c))})
}

// FetchCache writes one folder of a cache to w.
func (s *S3) FetchCache(ctx context.Context, key, folder string, w io.Writer) (archive.Contents, error) {
	cache, ok := CacheOf(key)
	if !ok {
		return archive.Contents{}, notCache(key)
	}
	in, err := s.verified(ctx, key, cache.Digest)
	if err != nil {
		return archive.Contents{}, err
	}
	return archive.CopyFolder(ctx, w, in, in.Size(), folder)
}

// verified returns the content of an artifact or a cache with that digest.
func (s *S3) verified(ctx context.Context, key, digest string) (*io.SectionReader, error) {
	if err := CheckDigest(digest); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept.key != key || s.kept.digest != digest {
		file, err := s.fetched(ctx, key, digest)
		if err != nil {
			return nil, err
		}
		s.kept.remove() // the former file is closed when nobody reads it any more
		s.kept = artifact{key, digest, file}
	}
	return content(s.kept.file)
}

// Release removes the artifact that was fetched last from the disk.
func (s *S3) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.remove()
	if s.kept.file != nil {
		_ = s.kept.file.Close()
	}
	s.kept = artifact{}
}

// fetched downloads an artifact into a file in a folder of its own, and verifies its digest.
func (s *S3) fetched(ctx context.Context, key, digest string) (*os.File, error) {
	dir, err := os.MkdirTemp("", "artifact-")
	if err != nil {
		return nil, errs.Writing(os.TempDir(), err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "artifact"+suffix), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, errs.Writing(dir, err)
	}
	if err = s.download(ctx, key, file); err == nil {
		err = check(file, s.String()+"/"+key, digest)
	}
	if err != nil {
		artifact{file: file}.remove()
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func (s *S3) download(ctx context.Context, key string, file *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, errSlow)
	defer cancel()
	_, err := s.transfer.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: &s.name, Key: &key, WriterAt: file})
	return explain(cause(ctx, err), "fetching", s.name, key)
}

func contentType(key string) string {
	if path.Ext(key) == ".zst" {
		return "application/zstd"
	}
	if known := mime.TypeByExtension(path.Ext(key)); known != "" {
		return known
	}
	return "application/octet-stream"
}
