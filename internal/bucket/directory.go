package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Directory is a directory used as a bucket.
type Directory struct{ path string }

var _ Bucket = Directory{}

// OpenDirectory opens a directory, which is created when something is stored in it.
func OpenDirectory(path string) Directory { return Directory{path} }

func (d Directory) String() string { return d.path }

// Prepare creates the directory, and checks that it is writable.
func (d Directory) Prepare(context.Context) error {
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return errs.Writing(d.path, err)
	}
	file, err := os.CreateTemp(d.path, ".partial-")
	if err != nil {
		return errs.Writing(d.path, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// Get reads a document.
func (d Directory) Get(_ context.Context, key string) ([]byte, error) {
	return limits.ReadFile(d.at(key), maxDocument)
}

// Put stores a document.
func (d Directory) Put(_ context.Context, key string, data []byte) error {
	return d.write(key, data, os.Rename)
}

// Create stores a document that does not exist, with a link, which replaces no file.
func (d Directory) Create(_ context.Context, key string, data []byte) error {
	return d.write(key, data, os.Link)
}

// updates holds the updates of this process apart. Those of other processes are not
// expected: a directory belongs to one run on one machine.
var updates sync.Mutex

// Update changes a document.
func (d Directory) Update(ctx context.Context, key string, change Change) error {
	updates.Lock()
	defer updates.Unlock()
	before, err := d.Get(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	after, err := change(before)
	if err != nil || after == nil {
		return err
	}
	return d.Put(ctx, key, after)
}

// write makes a whole file, and places it under the key.
func (d Directory) write(key string, data []byte, place func(from, to string) error) error {
	file := d.at(key)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return errs.Writing(d.path, err)
	}
	made, err := os.CreateTemp(filepath.Dir(file), ".partial-")
	if err != nil {
		return errs.Writing(d.path, err)
	}
	defer os.Remove(made.Name())
	_, err = made.Write(data)
	if err := errors.Join(err, made.Chmod(0o644), made.Close()); err != nil {
		return errs.Writing(file, err)
	}
	return errs.Writing(file, place(made.Name(), file))
}

// List returns the keys that begin with prefix, in order.
func (d Directory) List(_ context.Context, prefix string) ([]string, error) {
	var keys []string
	err := fs.WalkDir(os.DirFS(d.path), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
			return fs.SkipDir
		case entry.Type().IsRegular() && strings.HasPrefix(name, prefix):
			keys = append(keys, name)
		}
		return nil
	})
	return keys, err
}

// Save stores an artifact.
func (d Directory) Save(ctx context.Context, p Packed, m Metadata) (Metadata, error) {
	m = m.of(p)
	target := d.at(m.Key)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return m, errs.Writing(d.path, err)
	}
	if err := d.copyFile(target, p.File); err != nil {
		return m, err
	}
	document, err := m.encode()
	if err != nil {
		return m, err
	}
	return m, d.Put(ctx, DocumentKey(m.Commit), document)
}

// Fetch unpacks what is selected of an artifact into a folder.
func (d Directory) Fetch(ctx context.Context, key, digest, dir string, what command.Selection) error {
	file, in, err := d.verified(key, digest)
	if err != nil {
		return err
	}
	defer file.Close()
	return unpack(ctx, in, dir, what, nil)
}

// FetchTar is Fetch that also writes the artifact to w as a tar.
func (d Directory) FetchTar(ctx context.Context, key, digest, dir string, what command.Selection, w io.Writer) error {
	file, in, err := d.verified(key, digest)
	if err != nil {
		return err
	}
	defer file.Close()
	return unpack(ctx, in, dir, what, w)
}

// FetchFile reads one file of an artifact.
func (d Directory) FetchFile(_ context.Context, key, digest, name string) ([]byte, error) {
	file, in, err := d.verified(key, digest)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readFile(in, name)
}

// SaveCache stores a cache of a branch, and removes the old ones of all branches.
func (d Directory) SaveCache(ctx context.Context, branch string, c Cache, p Packed) error {
	target := d.at(CacheKey(branch, c))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return errs.Writing(d.path, err)
	}
	if err := d.copyFile(target, p.File); err != nil {
		return err
	}
	keys, err := d.List(ctx, CachesPrefix())
	for _, key := range keys {
		if old, ok := CacheOf(key); ok && old.Expired(c.Saved) {
			err = errors.Join(err, os.Remove(d.at(key)))
		}
	}
	return err
}

// FetchCache writes one folder of a cache to w.
func (d Directory) FetchCache(ctx context.Context, key, folder string, w io.Writer) (archive.Contents, error) {
	cache, ok := CacheOf(key)
	if !ok {
		return archive.Contents{}, notCache(key)
	}
	file, in, err := d.verified(key, cache.Digest)
	if err != nil {
		return archive.Contents{}, err
	}
	defer file.Close()
	return archive.CopyFolder(ctx, w, in, in.Size(), folder)
}

// Release does nothing: artifacts are read where they are.
func (Directory) Release() {}

// verified opens an artifact with that digest.
func (d Directory) verified(key, digest string) (*os.File, *io.SectionReader, error) {
	if err := CheckDigest(digest); err != nil {
		return nil, nil, err
	}
	file, err := os.Open(d.at(key))
	if err != nil {
		return nil, nil, errs.Invalidf("reading the artifact: %w", err)
	}
	var in *io.SectionReader
	if err = check(file, file.Name(), digest); err == nil {
		in, err = content(file)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, in, nil
}

// at returns the path of a key.
func (d Directory) at(key string) string { return filepath.Join(d.path, filepath.FromSlash(key)) }

// copyFile copies to a temporary file first, so that the target is complete or missing.
func (d Directory) copyFile(target, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(target), ".partial-")
	if err != nil {
		return errs.Writing(d.path, err)
	}
	defer os.Remove(out.Name())
	_, err = errs.Copy(d.path, out, in)
	if closing := errs.Writing(d.path, out.Close()); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return errs.Writing(d.path, os.Rename(out.Name(), target))
}
