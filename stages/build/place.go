package build

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// place is where a folder of the cache is: at the commands, or on this machine if they run
// as processes of it. There it never leads out of base, whatever links the commands make.
type place struct {
	runner command.Runner
	base   string // an absolute path as the commands know it
	inside string // with slashes
}

// apart returns the path of the folder if the commands have files of their own.
func (p place) apart() (command.Apart, string, bool) {
	theirs, ok := p.runner.(command.Apart)
	return theirs, filepath.Join(p.base, p.inside), ok
}

// checkBase requires a folder to be relative to.
func (p place) checkBase() error {
	if !filepath.IsAbs(p.base) {
		return errs.Invalidf("the commands have no home: HOME is %q", p.base)
	}
	return nil
}

// has reports whether there is anything at the place.
func (p place) has(ctx context.Context) (bool, error) {
	if err := p.checkBase(); err != nil {
		return false, err
	}
	if theirs, at, apart := p.apart(); apart {
		return theirs.Has(ctx, at)
	}
	root, err := os.OpenRoot(p.base)
	if err != nil {
		return false, err
	}
	defer root.Close()
	_, err = root.Lstat(p.inside)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// make makes the folder of the tar that content writes, if nothing is there.
func (p place) make(ctx context.Context, content func(context.Context, io.Writer) error) error {
	if theirs, at, apart := p.apart(); apart {
		return theirs.MakeFolder(ctx, at, content)
	}
	root, err := os.OpenRoot(p.base)
	if err != nil {
		return err
	}
	defer root.Close()
	parent := path.Dir(p.inside)
	if err := root.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	staging := path.Join(parent, ".aphex-"+path.Base(p.inside)+"-"+rand.Text()) // what is left of another build stays
	if err := root.Mkdir(staging, 0o755); err != nil {
		return err
	}
	err = unpackInto(ctx, root, staging, content)
	if err == nil {
		err = root.Rename(staging, p.inside)
	}
	if err != nil {
		return errors.Join(err, root.RemoveAll(staging))
	}
	return nil
}

func unpackInto(ctx context.Context, root *os.Root, name string, content func(context.Context, io.Writer) error) error {
	into, err := root.OpenRoot(name)
	if err != nil {
		return err
	}
	defer into.Close()
	from, to := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := content(ctx, to)
		to.CloseWithError(err)
		written <- err
	}()
	_, err = archive.UnpackTarIn(ctx, bufio.NewReader(from), into, limits.Budget{})
	if err == nil {
		_, err = io.Copy(io.Discard, from)
	}
	from.CloseWithError(err)
	if failed := <-written; failed != nil && !errors.Is(failed, err) {
		return failed
	}
	return err
}

// read gives the tar of the folder to read. The error if there is none is fs.ErrNotExist.
func (p place) read(ctx context.Context, read func(tar io.Reader) error) error {
	if theirs, at, apart := p.apart(); apart {
		return theirs.ReadFolder(ctx, at, read)
	}
	base, err := os.OpenRoot(p.base)
	if err != nil {
		return err
	}
	defer base.Close()
	root, err := base.OpenRoot(p.inside)
	if err != nil {
		return err
	}
	defer root.Close()
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffered := bufio.NewWriterSize(to, 1<<18)
		_, err := archive.PackTarOf(ctx, buffered, root, func(string, bool) bool { return false })
		if err == nil {
			err = buffered.Flush()
		}
		to.CloseWithError(err)
	}()
	err = read(from)
	from.CloseWithError(err)
	<-done
	return err
}
