package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
)

// ReadFile reads one regular file of an archive, of at most limit bytes,
// without unpacking the rest. A file that is not there is fs.ErrNotExist.
func ReadFile(r io.Reader, name string, limit int64) ([]byte, error) {
	decompressed, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	defer decompressed.Close()
	entries := tar.NewReader(decompressed)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrHostile, err)
		}
		if entry.Name != name || entry.Typeflag != tar.TypeReg {
			continue
		}
		if entry.Size > limit {
			return nil, fmt.Errorf("%q has %d bytes; the limit is %d", name, entry.Size, limit)
		}
		return io.ReadAll(entries)
	}
}
