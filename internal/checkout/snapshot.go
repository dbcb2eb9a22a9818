package checkout

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Excluded says whether a path of a workspace, relative and with slashes, stays
// out of copies and archives: version control, whose one fact that matters is
// the commit, and what local runs keep.
func Excluded(path string) bool { return path == ".git" || path == ".aphex" }

// Snapshot copies the plain folder source to dest, which must be empty or not
// be there, without what is Excluded and without the folders given, which may lie
// in it. Symbolic links stay links. A copy that is half done is never left behind.
// Files that are pointers of Git LFS are named in a line for people.
func Snapshot(ctx context.Context, tell io.Writer, source, dest string, without ...string) error {
	stage, err := newStaging(dest)
	if err != nil {
		return err
	}
	defer stage.remove()
	from, err := os.OpenRoot(source)
	if err != nil {
		return errs.Invalidf("the folder %q cannot be read: %w", source, err).WithHint("give a folder that is there")
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
	tellPointers(tell, c.pointers.paths, pullInFolder)
	return stage.publish()
}

// copier copies one folder into another. Files are copied beside the walk.
type copier struct {
	from, to *os.Root
	without  []string // folders that are not copied: where the copy grows, among them
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
		return err // the walk then ended because of it
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

// copyOther copies folders and symbolic links; sockets and the like stay behind.
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
