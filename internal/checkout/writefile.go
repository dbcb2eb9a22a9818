package checkout

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// writtenFile holds the data of a file for git's index.
type writtenFile struct {
	path     string
	mode     filemode.FileMode
	hash     plumbing.Hash
	size     int64
	modified time.Time
}

// maxLink is the longest target of a symbolic link, in bytes (Linux's PATH_MAX).
const maxLink = 4096

// work writes files until there are no more, then sends what it wrote.
func (w *writer) work(ctx context.Context, results chan<- written) error {
	var done written
	for j := range w.jobs {
		for _, entry := range j.files {
			if ctx.Err() != nil {
				break
			}
			file, err := w.writeFile(j.folder, entry)
			if err != nil {
				return err
			}
			done.files = append(done.files, file)
			done.bytes += file.size
		}
		j.folder.release()
	}
	results <- done
	return ctx.Err()
}

func (w *writer) writeFile(f *folder, entry treeEntry) (writtenFile, error) {
	mode := fs.FileMode(0o644)
	if entry.mode == filemode.Executable {
		mode = 0o755
	}
	// O_EXCL: an existing file is from the same commit, with a name that is the same to
	// this file system.
	file, err := f.root.OpenFile(entry.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return writtenFile{}, errs.Writing(f.root.Name(), err)
	}
	head := &beginning{to: file}
	size, err := w.from.Copy(head, entry.hash)
	if err == nil && isPointer(head.kept, size) {
		w.pointers.add(path.Join(f.path, entry.name))
	}
	if err == nil {
		var info fs.FileInfo
		if info, err = file.Stat(); err == nil {
			return writtenFile{path.Join(f.path, entry.name), entry.mode, entry.hash, size, info.ModTime()}, file.Close()
		}
	}
	_ = file.Close()
	return writtenFile{}, errs.Writing(f.root.Name(), err)
}

// makeLinks makes the symbolic links after all else is written.
func (w *writer) makeLinks(ctx context.Context, root *os.Root) error {
	for _, l := range w.links {
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := w.makeLink(root, l)
		if err != nil {
			return err
		}
		w.done.files = append(w.done.files, file)
	}
	return nil
}

func (w *writer) makeLink(root *os.Root, l link) (writtenFile, error) {
	target, err := w.from.Read(l.hash, plumbing.BlobObject, maxLink)
	if err != nil {
		return writtenFile{}, err
	}
	if err := checkTarget(l.path, string(target)); err != nil {
		return writtenFile{}, err
	}
	if bytes.IndexByte(target, 0) >= 0 || len(target) == 0 {
		return writtenFile{}, errs.Invalidf("the commit contains a symbolic link %q with an invalid target", l.path)
	}
	if err := root.Symlink(string(target), l.path); err != nil {
		return writtenFile{}, errs.Writing(root.Name(), err)
	}
	info, err := root.Lstat(l.path)
	if err != nil {
		return writtenFile{}, err
	}
	return writtenFile{l.path, filemode.Symlink, l.hash, int64(len(target)), info.ModTime()}, nil
}
