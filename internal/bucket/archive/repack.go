package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Repack reads a tar as UnpackTar does, writes the archive to w that Pack makes of the unpacked
// folder, and unpacks into the empty folder dir what left does not leave out. It fails as
// UnpackTar does, and with ErrHostile for entries that are not in the order of PackTar. After any
// error, the archive and dir must be discarded.
func Repack(
	ctx context.Context, w io.Writer, r io.Reader, dir string, budget limits.Budget, excluded func(path string) bool, left func(path string, isFolder bool) bool,
) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, errs.Writing(dir, err)
	}
	defer root.Close()
	compressed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return Contents{}, err
	}
	to := &repacker{tar: tar.NewWriter(compressed), excluded: excluded, folders: map[string]bool{}, outside: map[string]bool{}}
	budget = budget.Or(limits.Workspace())
	_, err = unpack(ctx, newReader(bufio.NewReaderSize(r, 1<<18), budget, math.MaxInt64), root, budget, unpacker{keepTimes: true, excluded: left, also: to})
	if err == nil {
		err = to.tar.Close()
	}
	if err != nil {
		_ = compressed.Close()
		return Contents{}, err
	}
	return to.done, compressed.Close()
}

// repacker packs entries on their way into a folder.
type repacker struct {
	tar      *tar.Writer
	excluded func(path string) bool
	outside  map[string]bool // excluded folders so far
	folders  map[string]bool // the others
	last     string
	done     Contents
}

// begin packs an entry, but for its content, and returns what packs the content while it is read.
func (p *repacker) begin(name string, entry *tar.Header, content io.Reader) (io.Reader, error) {
	parent, isFolder := path.Dir(name), entry.Typeflag == tar.TypeDir
	if !p.follows(name) {
		return nil, fmt.Errorf("%w: it is not in order", ErrHostile)
	}
	if parent != "." && !p.folders[parent] && !p.outside[parent] {
		return nil, fmt.Errorf("%w: the entry of its folder does not precede it", ErrHostile)
	}
	if p.outside[parent] || p.excluded(name) {
		if isFolder {
			p.outside[name] = true
		}
		return content, nil
	}
	header := &tar.Header{Typeflag: entry.Typeflag, Name: name, Linkname: entry.Linkname, Mode: int64(fs.FileMode(entry.Mode).Perm() | 0o600), ModTime: epoch}
	switch entry.Typeflag {
	case tar.TypeDir:
		p.folders[name] = true
		header.Name += "/"
		header.Mode |= 0o700
	case tar.TypeSymlink:
		header.Mode = 0o777
		p.done.Files++
	case tar.TypeReg:
		header.Size = entry.Size
		p.done.Files++
		p.done.Bytes += entry.Size
	default:
		return content, nil // it is refused
	}
	return io.TeeReader(content, p.tar), p.tar.WriteHeader(header)
}

// follows reports whether a name comes after the last one: the names in a folder are in the
// order of their bytes, and what a folder contains follows its own name at once.
func (p *repacker) follows(name string) bool {
	place := strings.ReplaceAll(name, "/", "\x00") // which no name contains, and nothing precedes
	follows := place > p.last
	p.last = place
	return follows
}
