package bucket

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Fetch brings the artifact under key into the folder dir, which must be empty
// or not be there. Nothing is unpacked before the whole archive has been found
// to have the digest (sha256:<hex>); another digest is an error of kind Failed.
// After an error dir is empty.
func (s *Store) Fetch(ctx context.Context, bucket, key, digest, dir string) error {
	return s.verified(ctx, bucket, key, digest, func(file *os.File) error { return unpack(ctx, file, dir) })
}

// FetchFile reads one file of the artifact under key, verified as by Fetch, and
// unpacks nothing else. A file that the artifact lacks is fs.ErrNotExist.
func (s *Store) FetchFile(ctx context.Context, bucket, key, digest, name string) (data []byte, err error) {
	err = s.verified(ctx, bucket, key, digest, func(file *os.File) error {
		data, err = archive.ReadFile(file, name, maxFile)
		return err
	})
	return data, err
}

// maxFile bounds what FetchFile reads, in bytes.
const maxFile = 16 << 20

// verified downloads the artifact and hands it on when it has the digest.
func (s *Store) verified(ctx context.Context, bucket, key, digest string, use func(*os.File) error) error {
	if err := CheckDigest(digest); err != nil {
		return err
	}
	file, err := os.CreateTemp("", "artifact-*"+suffix)
	if err != nil {
		return errs.Writing(os.TempDir(), err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := s.download(ctx, bucket, key, file); err != nil {
		return err
	}
	if err := check(file, "s3://"+bucket+"/"+key, digest); err != nil {
		return err
	}
	return use(file)
}

// check reads the file once and refuses it if it has another digest.
func check(file *os.File, where, digest string) error {
	found, err := digestOfFile(file.Name())
	if err != nil {
		return err
	}
	if found != digest {
		return errs.Failedf("the artifact %s is not the one that was built: its digest is %s instead of %s", where, found, digest).
			WithHint("nothing of it was used; it was changed after the build: find out by whom, and run the pipeline again")
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

func (s *Store) download(ctx context.Context, bucket, key string, file *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, errSlow)
	defer cancel()
	_, err := s.transfer.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: &bucket, Key: &key, WriterAt: file})
	return explain(cause(ctx, err), "fetching", bucket, key)
}

func unpack(ctx context.Context, in *os.File, dir string) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	if _, err := archive.Unpack(ctx, in, info.Size(), dir, archive.Limits{}); err != nil {
		removeContent(dir)
		if errors.Is(err, archive.ErrHostile) {
			return errs.Failedf("the artifact cannot be used: %w", err).WithHint("nothing of it was kept; build it again")
		}
		return err
	}
	return nil
}

// makeEmpty makes a folder, or finds that it holds nothing.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Writing(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return errs.Invalidf("the folder %q is not empty", dir).WithHint("remove it, or give another folder")
	}
	return err
}

// removeContent empties a folder that may be a mounted volume.
func removeContent(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		_ = remove.All(filepath.Join(dir, entry.Name()))
	}
}
