package assets

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// firstOfJanuary1980 is the oldest date in a zip archive; all files have it, so that
// equal folders give equal archives.
const firstOfJanuary1980 = 0<<9 | 1<<5 | 1

// Zip writes an archive of the folder dir: all files including hidden ones, sorted
// by name, with their permissions. It follows symbolic links, and skips empty
// folders and broken links, as the CDK does. A link out of root is an error.
func Zip(w io.Writer, dir, root string) error {
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	z := &zipper{archive: archive, root: realRoot, taken: limits.Workspace().Meter(math.MaxInt64)}
	if err := z.folder(dir, "", nil); err != nil {
		return err
	}
	return archive.Close()
}

type zipper struct {
	archive *zip.Writer
	root    string // no link in its path
	taken   *limits.Meter
}

// folder adds the files of dir under the name in the archive; above holds the
// real paths of its parent folders, to detect cycles of links.
func (z *zipper) folder(dir, name string, above []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	here, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	for _, outer := range above {
		if outer == here {
			return nil
		}
	}
	if err := z.taken.Entries(len(entries)); err != nil { // links to folders may multiply what is in them
		return errs.Invalidf("the asset %s: %w", dir, err)
	}
	for _, entry := range entries {
		if err := z.entry(filepath.Join(dir, entry.Name()), path.Join(name, entry.Name()), entry, append(above, here)); err != nil {
			return err
		}
	}
	return nil
}

func (z *zipper) entry(file, name string, entry fs.DirEntry, above []string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil // a broken link
	}
	if err != nil {
		return err
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		if err := z.checkLink(file); err != nil {
			return err
		}
	}
	switch {
	case info.IsDir():
		return z.folder(file, name, above)
	case info.Mode().IsRegular():
		return z.file(file, name, info)
	}
	return nil
}

func (z *zipper) checkLink(file string) error {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	if target != z.root && !strings.HasPrefix(target, z.root+string(filepath.Separator)) {
		return errs.Invalidf("the symbolic link %s points outside of the cloud assembly, to %s", file, target).
			WithHint("let the CDK copy it: pass followSymlinks: SymlinkFollowMode.ALWAYS to the asset")
	}
	return nil
}

func (z *zipper) file(file, name string, info fs.FileInfo) error {
	// Modified would add a second, extended time to every entry.
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, ModifiedDate: firstOfJanuary1980} //nolint:staticcheck // see above
	header.SetMode(info.Mode())
	w, err := z.archive.CreateHeader(header)
	if err != nil {
		return err
	}
	src, err := limits.Open(file)
	if err != nil {
		return err
	}
	defer src.Close()
	size, err := io.Copy(w, io.LimitReader(src, info.Size()+1))
	if err == nil {
		err = z.taken.Bytes(size)
	}
	return err
}
