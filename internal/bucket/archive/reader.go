package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// reader reads the entries of an archive within a budget. An entry whose size the
// budget does not allow is refused before its content is read or skipped.
type reader struct {
	*tar.Reader
	taken *limits.Meter
}

// newReader reads an archive of size bytes, compressed, from what it is decompressed to.
func newReader(decompressed io.Reader, budget limits.Budget, size int64) *reader {
	return &reader{tar.NewReader(decompressed), budget.Meter(size)}
}

// Next returns the next entry, or io.EOF. Every other error is ErrHostile.
func (r *reader) Next() (*tar.Header, error) {
	entry, err := r.Reader.Next()
	if err == nil {
		err = r.taken.Entries(1)
	}
	if err == nil {
		err = r.taken.Bytes(entry.Size)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrHostile, err)
	}
	return entry, err
}
