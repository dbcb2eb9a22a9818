package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// small is the largest file, in bytes, that is read ahead by several goroutines,
	// as opening a file takes most of the time.
	small = 128 << 10
	// ahead is the number of files to read ahead.
	ahead = 128
)

// epoch is the time of every entry. It is in the past, so that nothing looks newer
// than its sources, and not before 1980, the oldest date of a zip file.
var epoch = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// Contents counts the contents of an archive.
type Contents struct {
	Files int   // regular files and symbolic links
	Bytes int64 // their size when unpacked
}

// item is one entry on its way into the archive.
type item struct {
	path string
	info fs.FileInfo
	data chan []byte // of a small file
}

// Pack writes the folder dir to w, without excluded paths (relative, with
// slashes), sockets and devices. It keeps modes.
func Pack(ctx context.Context, w io.Writer, dir string, excluded func(path string) bool) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, errs.Invalidf("the folder %q cannot be read: %w", dir, err)
	}
	defer root.Close()
	compressed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return Contents{}, err
	}
	p := packer{root: root, excluded: func(path string, _ bool) bool { return excluded(path) }, time: always(epoch)}
	if err := p.pack(ctx, compressed); err != nil {
		_ = compressed.Close()
		return Contents{}, fmt.Errorf("packing %q: %w", dir, err)
	}
	return p.done, compressed.Close()
}

// PackTar writes the folder dir to w as a tar that is not compressed and keeps the times of the entries, to be unpacked
// at once by UnpackTar. excluded is asked for each path, relative and with slashes.
func PackTar(ctx context.Context, w io.Writer, dir string, excluded func(path string, isFolder bool) bool) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, err
	}
	defer root.Close()
	return PackTarOf(ctx, w, root, excluded)
}

// PackTarOf is PackTar for a folder that is open.
func PackTarOf(ctx context.Context, w io.Writer, root *os.Root, excluded func(path string, isFolder bool) bool) (Contents, error) {
	p := packer{root: root, excluded: excluded, time: fs.FileInfo.ModTime}
	if err := p.pack(ctx, w); err != nil {
		return Contents{}, fmt.Errorf("packing %q: %w", root.Name(), err)
	}
	return p.done, nil
}

func always(t time.Time) func(fs.FileInfo) time.Time { return func(fs.FileInfo) time.Time { return t } }

type packer struct {
	root     *os.Root
	excluded func(path string, isFolder bool) bool
	time     func(fs.FileInfo) time.Time
	tar      *tar.Writer
	items    chan item
	done     Contents
}

// pack walks the folder, reads small files ahead, and writes all in order.
func (p *packer) pack(ctx context.Context, w io.Writer) error {
	p.tar, p.items = tar.NewWriter(w), make(chan item, ahead)
	group, ctx := errgroup.WithContext(ctx)
	toRead := make(chan item, ahead)
	for range runtime.GOMAXPROCS(0) + 1 {
		group.Go(func() error { return p.readAhead(toRead) })
	}
	group.Go(func() error {
		defer close(p.items)
		defer close(toRead)
		return p.walk(ctx, toRead)
	})
	group.Go(func() error { return p.writeAll(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	return p.tar.Close()
}

func (p *packer) walk(ctx context.Context, toRead chan<- item) error {
	return fs.WalkDir(p.root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
			return nil
		case entry.IsDir() && p.excluded(path, true):
			return fs.SkipDir
		case !entry.IsDir() && p.excluded(path, false) || !isPackable(entry.Type()):
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		next := item{path: path, info: info}
		if info.Mode().IsRegular() && info.Size() <= small {
			next.data = make(chan []byte, 1)
			if err := send(ctx, toRead, next); err != nil {
				return err
			}
		}
		return send(ctx, p.items, next)
	})
}

func isPackable(kind fs.FileMode) bool {
	return kind.IsRegular() || kind == fs.ModeDir || kind == fs.ModeSymlink
}

func send(ctx context.Context, to chan<- item, next item) error {
	select {
	case to <- next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *packer) readAhead(toRead <-chan item) error {
	for next := range toRead {
		data, err := p.root.ReadFile(next.path)
		if err != nil {
			return err
		}
		next.data <- data
	}
	return nil
}
