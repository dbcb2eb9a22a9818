package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// CopyTar writes an archive of size bytes to w as PackTar writes the folder that Unpack
// makes of it, without making that folder. Names are for UnpackTar to check.
func CopyTar(ctx context.Context, w io.Writer, r io.Reader, size int64) error {
	decompressed, err := decompress(r, size)
	if err != nil {
		return err
	}
	defer decompressed.Close()
	entries, copied := newReader(decompressed, limits.Workspace(), size), tar.NewWriter(w)
	now := time.Now().Truncate(time.Second)
	for ctx.Err() == nil {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return copied.Close()
		}
		if err != nil {
			return err
		}
		if err := copyEntry(copied, entry, entries, now); err != nil {
			return fmt.Errorf("%q: %w", entry.Name, err)
		}
	}
	return ctx.Err()
}

// copyEntry writes one entry, without properties that Unpack does not keep.
func copyEntry(to *tar.Writer, entry *tar.Header, content io.Reader, at time.Time) error {
	own := &tar.Header{
		Typeflag: entry.Typeflag, Name: entry.Name, Linkname: entry.Linkname, Size: entry.Size,
		Mode: int64(fs.FileMode(entry.Mode).Perm()), ModTime: at,
	}
	if at.Nanosecond() != 0 {
		own.Format = tar.FormatPAX // others have whole seconds only
	}
	switch entry.Typeflag {
	case tar.TypeDir, tar.TypeSymlink:
		return to.WriteHeader(own)
	case tar.TypeReg:
		if err := to.WriteHeader(own); err != nil {
			return err
		}
		_, err := io.Copy(to, content)
		return err
	}
	return fmt.Errorf("%w: entries of type %q are not allowed", ErrHostile, entry.Typeflag)
}
