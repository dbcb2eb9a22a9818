package assets

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
// folders and broken links, as the CDK does. A link out of root is an error. What it
// reads is taken from the meter, as links may multiply it.
func Zip(w io.Writer, dir, root string, taken *limits.Meter) error {
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	err := walk(dir, root, taken, func(name string, info fs.FileInfo) (io.Writer, error) {
		// Modified would add a second, extended time to every entry.
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, ModifiedDate: firstOfJanuary1980} //nolint:staticcheck // see above
		header.SetMode(info.Mode())
		return archive.CreateHeader(header)
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// treeDigest returns a digest of what Zip packs of a folder: names, contents, and
// which files are executable. Archives differ in compression, and between machines
// in the other permissions.
func treeDigest(dir, root string, taken *limits.Meter) ([]byte, error) {
	tree := sha256.New()
	err := walk(dir, root, taken, func(name string, info fs.FileInfo) (io.Writer, error) {
		_, err := fmt.Fprintf(tree, "%q %d %t\n", name, info.Size(), info.Mode()&0o111 != 0)
		return tree, err
	})
	return tree.Sum(nil), err
}

// walk writes each file of a folder to what add returns for it, sorted by name.
func walk(dir, root string, taken *limits.Meter, add func(name string, info fs.FileInfo) (io.Writer, error)) error {
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	w := &walker{add: add, root: realRoot, taken: taken}
	return w.folder(dir, "", nil)
}

type walker struct {
	add   func(name string, info fs.FileInfo) (io.Writer, error)
	root  string // no link in its path
	taken *limits.Meter
}

// folder adds the files of dir under the name in the archive; above holds the
// real paths of its parent folders, to detect cycles of links.
func (w *walker) folder(dir, name string, above []string) error {
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
	if err := w.taken.Entries(len(entries)); err != nil { // links to folders may multiply what is in them
		return errs.Invalidf("the asset %s: %w", dir, err)
	}
	for _, entry := range entries {
		if err := w.entry(filepath.Join(dir, entry.Name()), path.Join(name, entry.Name()), entry, append(above, here)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(file, name string, entry fs.DirEntry, above []string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil // a broken link
	}
	if err != nil {
		return err
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		if err := w.checkLink(file); err != nil {
			return err
		}
	}
	switch {
	case info.IsDir():
		return w.folder(file, name, above)
	case info.Mode().IsRegular():
		return w.file(file, name, info)
	}
	return nil
}

func (w *walker) checkLink(file string) error {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	if target != w.root && !strings.HasPrefix(target, w.root+string(filepath.Separator)) {
		return errs.Invalidf("the symbolic link %s points outside of the cloud assembly, to %s", file, target).
			WithHint("let the CDK copy it: pass followSymlinks: SymlinkFollowMode.ALWAYS to the asset")
	}
	return nil
}

func (w *walker) file(file, name string, info fs.FileInfo) error {
	src, err := limits.Open(file)
	if err != nil {
		return err
	}
	defer src.Close()
	to, err := w.add(name, info)
	if err != nil {
		return err
	}
	size, err := io.Copy(to, io.LimitReader(src, info.Size()+1))
	if err == nil {
		err = w.taken.Bytes(size)
	}
	return err
}
