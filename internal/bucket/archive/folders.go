package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// ErrNoFolder reports that an archive of Folders has no folder of that name.
var ErrNoFolder = errors.New("the archive has no such folder")

// Folders packs folders that come as tars, from somebody who cannot be trusted, into one
// archive, each below a name of its own. Entries keep their times.
type Folders struct {
	compressed *zstd.Encoder
	tar        *tar.Writer
	taken      *limits.Meter
	depth      int
	done       Contents
}

// NewFolders begins an archive in w of all that is added, within one budget.
func NewFolders(w io.Writer, budget limits.Budget) (*Folders, error) {
	compressed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, err
	}
	budget = budget.Or(limits.Workspace())
	return &Folders{compressed: compressed, tar: tar.NewWriter(compressed), taken: budget.Meter(math.MaxInt64), depth: budget.Depth}, nil
}

// Add adds the folder that a tar holds, below the name. It fails with ErrHostile for an
// entry that Unpack refuses by its name or type, and if the budget is exceeded; then the
// archive is of no use.
func (f *Folders) Add(ctx context.Context, name string, r io.Reader) error {
	entries, now := &reader{tar.NewReader(bufio.NewReaderSize(r, 1<<18)), f.taken}, time.Now().Truncate(time.Second)
	if err := f.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: now}); err != nil {
		return err
	}
	for ctx.Err() == nil {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.add(name, entry, entries); err != nil {
			return fmt.Errorf("%q: %w", entry.Name, err)
		}
	}
	return ctx.Err()
}

func (f *Folders) add(below string, entry *tar.Header, content io.Reader) error {
	name, err := nameOf(entry)
	switch {
	case err != nil:
		return err
	case len(name) > maxName || len(entry.Linkname) > maxName:
		return fmt.Errorf("%w: its names are too long", ErrHostile)
	case strings.Count(name, "/") > f.depth:
		return fmt.Errorf("%w: more than %d folders inside each other", ErrHostile, f.depth)
	}
	entry.Name = below + "/" + entry.Name
	if entry.Typeflag != tar.TypeDir {
		f.done.Files++
		f.done.Bytes += entry.Size
	}
	return copyEntry(f.tar, entry, content, entry.ModTime)
}

// Close completes the archive, and counts what is in it.
func (f *Folders) Close() (Contents, error) {
	if err := f.tar.Close(); err != nil {
		_ = f.compressed.Close()
		return Contents{}, err
	}
	return f.done, f.compressed.Close()
}

// CopyFolder writes one folder of an archive of size bytes, which Folders made, to w: as
// the tar that was added under the name. Names are for UnpackTar to check. The error for a
// folder that was not added is ErrNoFolder.
func CopyFolder(ctx context.Context, w io.Writer, r io.Reader, size int64, name string) (Contents, error) {
	decompressed, err := decompress(r, size)
	if err != nil {
		return Contents{}, err
	}
	defer decompressed.Close()
	var done Contents
	found := false
	entries, copied := newReader(decompressed, limits.Workspace(), size), tar.NewWriter(w)
	for ctx.Err() == nil {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) && !found {
			return done, ErrNoFolder
		}
		if errors.Is(err, io.EOF) {
			return done, copied.Close()
		}
		if err != nil {
			return done, err
		}
		inside, within := strings.CutPrefix(entry.Name, name+"/")
		if found = found || within; !within || inside == "" {
			continue
		}
		entry.Name = inside
		if err := copyEntry(copied, entry, entries, entry.ModTime); err != nil {
			return done, fmt.Errorf("%q: %w", inside, err)
		}
		if entry.Typeflag != tar.TypeDir {
			done.Files++
			done.Bytes += entry.Size
		}
	}
	return done, ctx.Err()
}

// decompress reads what an archive of size bytes is decompressed to.
func decompress(r io.Reader, size int64) (*zstd.Decoder, error) {
	if size == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrHostile)
	}
	return zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)))
}
