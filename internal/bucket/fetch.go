package bucket

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// maxFile is the largest file that FetchFile reads, in bytes.
const maxFile = 16 << 20

// check returns an error if the file has another digest.
func check(file *os.File, where, digest string) error {
	found, err := digestOfFile(file.Name())
	if err != nil {
		return err
	}
	if found != digest {
		return errs.Failedf("the artifact %s has changed since the build: its digest is %s, expected %s", where, found, digest).
			WithHint("it was not used; find out who changed it, then run the pipeline again")
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

// readFile reads one file of a verified artifact.
func readFile(name string, verified func(use func(*os.File) error) error) (data []byte, err error) {
	err = verified(func(in *os.File) error {
		info, err := in.Stat()
		if err != nil {
			return err
		}
		data, err = archive.ReadFile(in, info.Size(), name, maxFile)
		return unusable(err)
	})
	return data, err
}

func unpack(ctx context.Context, in *os.File, dir string) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	if _, err := archive.Unpack(ctx, in, info.Size(), dir, limits.Budget{}); err != nil {
		removeContent(dir)
		return unusable(err)
	}
	return nil
}

func unusable(err error) error {
	if errors.Is(err, archive.ErrHostile) || errors.Is(err, limits.ErrExceeded) {
		return errs.Failedf("the artifact cannot be used: %w", err).WithHint("it was not kept; build it again")
	}
	return err
}

// makeEmpty creates a folder, or checks that it is empty.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Writing(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return errs.Invalidf("the folder %q is not empty", dir).WithHint("remove it, or use another folder")
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
