package archive

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// CopyTar is Unpack that also writes the whole archive to w, as PackTar writes the folder that
// Unpack makes without leaving anything out. Without dir it unpacks nothing.
func CopyTar(ctx context.Context, w io.Writer, r io.Reader, size int64, dir string, left func(path string, isFolder bool) bool) error {
	if dir == "" {
		dir, left = os.TempDir(), func(string, bool) bool { return true }
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return errs.Writing(dir, err)
	}
	defer root.Close()
	decompressed, err := decompress(r, size)
	if err != nil {
		return err
	}
	defer decompressed.Close()
	to := &copier{tar: tar.NewWriter(w), at: time.Now().Truncate(time.Second)}
	if _, err := unpack(ctx, newReader(decompressed, limits.Workspace(), size), root, limits.Workspace(), unpacker{excluded: left, also: to}); err != nil {
		return err
	}
	return to.tar.Close()
}

// copier copies entries on their way into a folder.
type copier struct {
	tar *tar.Writer
	at  time.Time // of all entries
}

func (c *copier) begin(_ string, entry *tar.Header, content io.Reader) (io.Reader, error) {
	if !isKept(entry.Typeflag) {
		return content, nil // it is refused
	}
	return io.TeeReader(content, c.tar), c.tar.WriteHeader(headerOf(entry, c.at))
}

// headerOf returns the header of an entry without properties that Unpack does not keep.
func headerOf(entry *tar.Header, at time.Time) *tar.Header {
	own := &tar.Header{
		Typeflag: entry.Typeflag, Name: entry.Name, Linkname: entry.Linkname, Size: entry.Size,
		Mode: int64(fs.FileMode(entry.Mode).Perm()), ModTime: at,
	}
	if at.Nanosecond() != 0 {
		own.Format = tar.FormatPAX // others have whole seconds only
	}
	return own
}

// copyEntry writes one entry.
func copyEntry(to *tar.Writer, entry *tar.Header, content io.Reader, at time.Time) error {
	if !isKept(entry.Typeflag) {
		return refusedType(entry)
	}
	if err := to.WriteHeader(headerOf(entry, at)); err != nil || entry.Typeflag != tar.TypeReg {
		return err
	}
	_, err := io.Copy(to, content)
	return err
}
