// Package buckettest provides a bucket for tests of stages.
package buckettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
)

// Memory is a bucket that keeps documents in memory. A test can embed it and
// override methods.
type Memory struct {
	mu        sync.Mutex
	documents map[string]string
	Workspace string // folder that every artifact unpacks to
}

var _ bucket.Bucket = (*Memory)(nil)

// New returns a bucket with these documents, by key.
func New(documents map[string]string) *Memory {
	m := &Memory{documents: map[string]string{}}
	maps.Copy(m.documents, documents)
	return m
}

// Opened returns the bucket for the flags of a stage: m for any bucket name, a
// directory, or none.
func Opened(m bucket.Bucket, name, directory string) bucket.Bucket {
	switch {
	case directory != "":
		return bucket.OpenDirectory(directory)
	case name != "":
		return m
	}
	return nil
}

func (m *Memory) String() string { return "s3://artifacts" }

// Document returns a document, or "".
func (m *Memory) Document(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.documents[key]
}

// Set stores a document.
func (m *Memory) Set(key, text string) { _ = m.Put(context.Background(), key, []byte(text)) }

// Keys returns all keys, in order.
func (m *Memory) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.documents))
}

// Prepare does nothing.
func (*Memory) Prepare(context.Context) error { return nil }

// Get reads a document; the error for a missing one is fs.ErrNotExist.
func (m *Memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, there := m.documents[key]
	if !there {
		return nil, fmt.Errorf("reading %q: %w", key, fs.ErrNotExist)
	}
	return []byte(text), nil
}

// Put stores a document.
func (m *Memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.documents[key] = string(data)
	return nil
}

// Create stores a document that does not exist.
func (m *Memory) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.documents[key]; there {
		return fmt.Errorf("storing %q: %w", key, fs.ErrExist)
	}
	m.documents[key] = string(data)
	return nil
}

// Update changes a document. As with S3, change may read others.
func (m *Memory) Update(_ context.Context, key string, change bucket.Change) error {
	for {
		m.mu.Lock()
		text, there := m.documents[key]
		m.mu.Unlock()
		var before []byte
		if there {
			before = []byte(text)
		}
		after, err := change(before)
		if err != nil || after == nil || m.replace(key, text, there, string(after)) {
			return err
		}
	}
}

// replace stores a document, unless another one than before is there.
func (m *Memory) replace(key, before string, wasThere bool, after string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, there := m.documents[key]
	if text != before || there != wasThere {
		return false
	}
	m.documents[key] = after
	return true
}

// List returns the keys that begin with prefix, in order.
func (m *Memory) List(_ context.Context, prefix string) ([]string, error) {
	return slices.DeleteFunc(m.Keys(), func(key string) bool { return !strings.HasPrefix(key, prefix) }), nil
}

// Save fails: a test that stores artifacts uses a directory.
func (m *Memory) Save(context.Context, bucket.Packed, bucket.Metadata) (bucket.Metadata, error) {
	return bucket.Metadata{}, errors.New("a bucket in memory keeps no artifacts")
}

// Fetch copies Workspace.
func (m *Memory) Fetch(_ context.Context, _, _, dir string, _ command.Selection) error {
	return os.CopyFS(dir, os.DirFS(m.Workspace))
}

// FetchTar copies Workspace, and writes it as a tar.
func (m *Memory) FetchTar(ctx context.Context, key, digest, dir string, what command.Selection, w io.Writer) error {
	if err := m.Fetch(ctx, key, digest, dir, what); err != nil {
		return err
	}
	_, err := archive.PackTar(ctx, w, m.Workspace, func(string, bool) bool { return false })
	return err
}

// FetchFile reads a file of Workspace.
func (m *Memory) FetchFile(_ context.Context, _, _, name string) ([]byte, error) {
	return fs.ReadFile(os.DirFS(m.Workspace), name)
}

// SaveCache fails: a test with a cache uses a directory.
func (m *Memory) SaveCache(context.Context, string, bucket.Cache, bucket.Packed) error {
	return errors.New("a bucket in memory keeps no caches")
}

// FetchCache fails, too.
func (m *Memory) FetchCache(context.Context, string, string, io.Writer) (archive.Contents, error) {
	return archive.Contents{}, errors.New("a bucket in memory keeps no caches")
}

// Release does nothing.
func (*Memory) Release() {}
