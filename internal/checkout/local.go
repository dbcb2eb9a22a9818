package checkout

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// largeObject is the size in bytes from which a local object is streamed.
const largeObject = 1 << 20

// localObjects reads a repository on this machine.
type localObjects struct {
	mu      sync.Mutex // the storage is not safe for concurrent use
	storage *repository.Storage
	top     string // the folder of the repository
}

// openLocal opens the repository at a folder, as package repository finds it.
func openLocal(folder string) (*localObjects, error) {
	found, err := repository.At(folder)
	if err != nil {
		return nil, errs.Invalidf("%w", err).WithHint("use the folder that contains .git, or a bare repository")
	}
	storage, err := found.Open(repository.Options{Cache: 32 << 20, LargeObject: largeObject})
	var unsupported *repository.Unsupported
	switch {
	case errors.As(err, &unsupported):
		return nil, errs.Invalidf("%w", err).WithHint("%s", unsupported.Next)
	case err != nil:
		return nil, errs.Invalidf("%w", err)
	}
	return &localObjects{storage: storage, top: found.Top}, nil
}

// Read returns an object of the given kind and of at most limit bytes.
func (l *localObjects) Read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read(hash, kind, limit)
}

func (l *localObjects) read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	object, err := l.object(hash, kind)
	if err != nil {
		return nil, err
	}
	if object.Size() > limit {
		return nil, fmt.Errorf("%s %s has %d bytes, more than the limit of %d", kind, hash, object.Size(), limit)
	}
	reader, err := object.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func (l *localObjects) object(hash plumbing.Hash, kind plumbing.ObjectType) (plumbing.EncodedObject, error) {
	object, err := l.storage.EncodedObject(kind, hash)
	if !errors.Is(err, plumbing.ErrObjectNotFound) {
		return object, err
	}
	if kind != plumbing.CommitObject && l.storage.Partial {
		return nil, errs.Invalidf("the repository %q is a partial clone and lacks %s %s of the commit", l.top, kind, hash).
			WithHint("fetch the missing objects: git archive HEAD >/dev/null")
	}
	return nil, fmt.Errorf("%s %s: %w", kind, hash, gitpack.ErrMissing)
}

// ObjectSize returns the number of bytes of a blob.
func (l *localObjects) ObjectSize(hash plumbing.Hash) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, err := l.storage.EncodedObjectSize(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		_, err = l.object(hash, plumbing.BlobObject) // says what is missing
	}
	return size, err
}

// Copy writes the content of a blob to w and returns its size.
func (l *localObjects) Copy(w io.Writer, hash plumbing.Hash) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	object, err := l.object(hash, plumbing.BlobObject)
	if err != nil {
		return 0, err
	}
	reader, err := object.Reader()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	return io.Copy(w, reader)
}

// Close releases the repository's files.
func (l *localObjects) Close() error { return l.storage.Close() }
