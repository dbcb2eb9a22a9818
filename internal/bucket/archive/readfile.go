package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// ReadFile reads one regular file, of at most limit bytes, of an archive of size
// bytes, without unpacking the rest. The error for a missing file is fs.ErrNotExist.
// The error for entries before it that Unpack would reject is ErrHostile.
func ReadFile(r io.Reader, size int64, name string, limit int64) ([]byte, error) {
	decompressed, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	defer decompressed.Close()
	entries := newReader(decompressed, limits.Workspace(), size)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		}
		if err != nil {
			return nil, err
		}
		if entry.Name != name {
			continue
		}
		if entry.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%w: %q: %w", ErrHostile, name, limits.ErrNotRegular)
		}
		data, err := limits.ReadAll(entries, limit)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		return data, nil
	}
}
