package checkout

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Excluded reports whether the path of a file in a workspace, relative and with slashes, is left out
// of copies and archives: the .git folder, also of submodules, and the state of local runs.
func Excluded(name string) bool { return path.Base(name) == ".git" || name == ".aphex" }

// Snapshot copies the plain folder source to dest, which must be empty or missing, except
// for Excluded paths and the folders of without. Symbolic links stay links. A failed copy
// leaves nothing behind. It prints a line that names pointers of Git LFS to progress.
func Snapshot(ctx context.Context, progress io.Writer, source, dest string, without ...string) error {
	stage, err := newStaging(dest)
	if err != nil {
		return err
	}
	defer stage.remove()
	from, err := os.OpenRoot(source)
	if err != nil {
		return errs.Invalidf("the folder %q cannot be read: %w", source, err).WithHint("use an existing folder")
	}
	defer from.Close()
	to, err := os.OpenRoot(stage.path)
	if err != nil {
		return errs.Writing(dest, err)
	}
	defer to.Close()
	c := copier{from: from, to: to, without: append(without, stage.path), pointers: &pointers{}}
	if err := c.copyAll(ctx, source); err != nil {
		return err
	}
	reportPointers(progress, c.pointers.paths, pullInFolder)
	return stage.publish()
}

// copier copies one folder into another. Files are copied concurrently with the walk.
type copier struct {
	from, to *os.Root
	without  []string // folders that are not copied, including the copy itself
	pointers *pointers
}

func (c copier) copyAll(ctx context.Context, source string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 2)
	walkErr := fs.WalkDir(c.from.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return errs.Invalidf("copying %q: %w", source, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case path == ".":
			return nil
		case Excluded(path) || entry.IsDir() && c.leavesOut(source, path):
			return skip(entry)
		case entry.Type().IsRegular():
			group.Go(func() error { return c.copyFile(path) })
			return nil
		}
		return c.copyOther(path, entry)
	})
	if err := group.Wait(); err != nil {
		return err // which ended the walk
	}
	return walkErr
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func (c copier) leavesOut(source, path string) bool {
	absolute, err := filepath.Abs(filepath.Join(source, path))
	return err == nil && slices.Contains(c.without, absolute)
}

// copyOther copies folders and symbolic links, and skips sockets and the like.
func (c copier) copyOther(path string, entry fs.DirEntry) error {
	switch entry.Type() {
	case fs.ModeDir:
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return errs.Writing(c.to.Name(), c.to.Mkdir(path, info.Mode().Perm()|0o700))
	case fs.ModeSymlink:
		target, err := c.from.Readlink(path)
		if err != nil {
			return err
		}
		return errs.Writing(c.to.Name(), c.to.Symlink(target, path))
	}
	return nil
}

func (c copier) copyFile(path string) error {
	in, err := c.from.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := c.to.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o600)
	if err != nil {
		return errs.Writing(c.to.Name(), err)
	}
	head := &beginning{to: out}
	size, err := errs.Copy(c.to.Name(), head, in)
	if err == nil && isPointer(head.kept, size) {
		c.pointers.add(path)
	}
	closing := out.Close()
	if err != nil {
		return err
	}
	if closing == nil {
		closing = c.to.Chtimes(path, info.ModTime(), info.ModTime()) // build tools compare times
	}
	return errs.Writing(c.to.Name(), closing)
}
