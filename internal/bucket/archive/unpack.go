package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Limits limit the contents of an archive.
type Limits = limits.Budget

// ErrHostile is the error for an archive with something that Pack never writes.
var ErrHostile = errors.New("the archive cannot be trusted")

const (
	// maxName is the longest name, and the longest target of a link, in bytes, as in Linux.
	maxName = 4096
	// maxNames limits the memory for names of folders and links, in bytes.
	maxNames = 256 << 20
)

// maxWindow limits the memory for decompression, in bytes; Pack uses 4 MiB.
const maxWindow = 32 << 20

// Unpack unpacks an archive of size bytes into the empty folder dir. It fails
// with ErrHostile for an entry outside of dir, an entry other than a file, a
// folder or a symbolic link, a duplicate name (also one on a case-insensitive file
// system), or if the budget is exceeded; zero values of the budget are those of
// limits.Workspace. excluded is asked for each path, with slashes, as by PackTar; nil excludes
// nothing. What is left out counts, and is checked, like the rest. After any error, dir must be
// discarded.
func Unpack(ctx context.Context, r io.Reader, size int64, dir string, budget limits.Budget, excluded func(path string, isFolder bool) bool) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, errs.Writing(dir, err)
	}
	defer root.Close()
	decompressed, err := decompress(r, size)
	if err != nil {
		return Contents{}, err
	}
	defer decompressed.Close()
	budget = budget.Or(limits.Workspace())
	return unpack(ctx, newReader(decompressed, budget, size), root, budget, unpacker{excluded: excluded})
}

// UnpackTar reads what PackTar wrote, or somebody who cannot be trusted, into the empty folder dir. It fails as Unpack does;
// the size of the input limits nothing.
func UnpackTar(ctx context.Context, r io.Reader, dir string, budget limits.Budget) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, errs.Writing(dir, err)
	}
	defer root.Close()
	return UnpackTarIn(ctx, r, root, budget)
}

// UnpackTarIn is UnpackTar for a folder that is open.
func UnpackTarIn(ctx context.Context, r io.Reader, root *os.Root, budget limits.Budget) (Contents, error) {
	budget = budget.Or(limits.Workspace())
	return unpack(ctx, newReader(r, budget, math.MaxInt64), root, budget, unpacker{keepTimes: true})
}

func unpack(ctx context.Context, entries *reader, root *os.Root, budget limits.Budget, u unpacker) (Contents, error) {
	u.root, u.tar, u.jobs = root, entries, make(chan job, ahead)
	u.folders, u.left = map[string]bool{".": true}, map[string]bool{}
	u.depth, u.names = budget.Depth, maxNames
	if err := u.run(ctx); err != nil {
		return Contents{}, fmt.Errorf("unpacking into %q: %w", root.Name(), err)
	}
	return u.done, nil
}

// unpacker reads entries in order; small files are written by several
// goroutines, since creating a file takes most of the time.
type unpacker struct {
	root    *os.Root
	tar     *reader
	jobs    chan job
	links   []*tar.Header
	folders map[string]bool // created so far
	names   int             // remaining limit for names, in bytes
	depth   int             // largest depth of folders
	done    Contents
	current *folder

	keepTimes bool // of files
	excluded  func(path string, isFolder bool) bool
	left      map[string]bool // folders that were left out so far
	also      companion       // may be nil
}

// job is a small file to be written.
type job struct {
	folder *folder
	name   string
	mode   fs.FileMode
	data   []byte
	time   time.Time // zero is now
}

// companion gets all entries before they are unpacked, also those that are left out. It returns
// what gives it the content of an entry while that is read.
type companion interface {
	begin(name string, entry *tar.Header, content io.Reader) (io.Reader, error)
}

func (u *unpacker) run(ctx context.Context) error {
	group, workCtx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) + 2 {
		group.Go(u.work)
	}
	group.Go(func() error {
		defer close(u.jobs)
		defer func() { u.current.release() }()
		return u.readAll(workCtx)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return u.makeLinks()
}

func (u *unpacker) readAll(ctx context.Context) error {
	for {
		entry, err := u.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.entry(ctx, entry); err != nil {
			return fmt.Errorf("%q: %w", entry.Name, err)
		}
	}
}

func (u *unpacker) entry(ctx context.Context, entry *tar.Header) error {
	name, err := nameOf(entry)
	if err != nil {
		return err
	}
	if strings.Count(name, "/") > u.depth {
		return fmt.Errorf("%w: more than %d folders inside each other", ErrHostile, u.depth)
	}
	if entry.Typeflag != tar.TypeReg {
		u.names -= len(name) + len(entry.Linkname)
	}
	if len(name) > maxName || len(entry.Linkname) > maxName || u.names < 0 {
		return fmt.Errorf("%w: its names are too long", ErrHostile)
	}
	content := io.Reader(u.tar)
	if u.also != nil {
		if content, err = u.also.begin(name, entry, content); err != nil {
			return err
		}
	}
	if u.leavesOut(name, entry.Typeflag) {
		_, err := io.Copy(io.Discard, content)
		return err
	}
	switch entry.Typeflag {
	case tar.TypeDir:
		return u.makeFolder(name, entry)
	case tar.TypeSymlink:
		u.links = append(u.links, entry)
		u.done.Files++
		return nil
	case tar.TypeReg:
		return u.file(ctx, name, entry, content)
	}
	return refusedType(entry)
}

// isKept reports whether entries of a type are unpacked.
func isKept(kind byte) bool {
	return kind == tar.TypeDir || kind == tar.TypeSymlink || kind == tar.TypeReg
}

func refusedType(entry *tar.Header) error {
	return fmt.Errorf("%w: entries of type %q are not allowed", ErrHostile, entry.Typeflag)
}

// leavesOut reports whether an entry is excluded, or in a folder that is.
func (u *unpacker) leavesOut(name string, kind byte) bool {
	isFolder := kind == tar.TypeDir
	switch {
	case !isKept(kind):
		return false // it is refused
	case !u.left[path.Dir(name)] && (u.excluded == nil || !u.excluded(name, isFolder)):
		return false
	}
	if isFolder {
		u.left[name] = true
	}
	return true
}

// nameOf returns the name of an entry, which leads to nothing outside of the folder.
func nameOf(entry *tar.Header) (string, error) {
	name := strings.TrimSuffix(entry.Name, "/")
	if name == "" || !filepath.IsLocal(name) || path.Clean(name) != name || strings.Contains(name, "\x00") {
		return "", fmt.Errorf("%w: its name points outside of the folder", ErrHostile)
	}
	return name, nil
}

// makeFolder creates a folder that its owner can always write to.
func (u *unpacker) makeFolder(name string, entry *tar.Header) error {
	u.folders[name] = true
	mode := fs.FileMode(entry.Mode).Perm() | 0o700
	return u.refused(u.root.Mkdir(name, mode))
}

// refused distinguishes a hostile entry from a failed write.
func (u *unpacker) refused(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: the name is used twice", ErrHostile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the entry of its folder does not precede it", ErrHostile)
	}
	return errs.Writing(u.root.Name(), err)
}

// makeLinks creates the symbolic links last, so that nothing is written through
// one.
func (u *unpacker) makeLinks() error {
	for _, link := range u.links {
		if !u.folders[path.Dir(link.Name)] {
			return fmt.Errorf("%q: %w: the entry of its folder does not precede it", link.Name, ErrHostile)
		}
		if err := u.refused(u.root.Symlink(link.Linkname, link.Name)); err != nil {
			return fmt.Errorf("%q: %w", link.Name, err)
		}
	}
	return nil
}
