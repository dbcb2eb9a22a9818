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
	in, err := content(file)
	if err != nil {
		return err
	}
	found, err := digestOfAll(in)
	if err != nil {
		return err
	}
	if found != digest {
		return errs.Failedf("the artifact %s has changed since the build: its digest is %s, expected %s", where, found, digest).
			WithHint("it was not used; find out who changed it, then run the pipeline again")
	}
	return nil
}

// content returns the content of a file from its beginning.
func content(file *os.File) (*io.SectionReader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(file, 0, info.Size()), nil
}

// readFile reads one file of a verified artifact.
func readFile(in *io.SectionReader, name string) ([]byte, error) {
	data, err := archive.ReadFile(in, in.Size(), name, maxFile)
	return data, unusable(err)
}

func unpack(ctx context.Context, in *io.SectionReader, dir string) error {
	if err := makeEmpty(dir); err != nil {
		return err
	}
	if _, err := archive.Unpack(ctx, in, in.Size(), dir, limits.Budget{}); err != nil {
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
