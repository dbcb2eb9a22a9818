package s3

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	store, err := New(dir, time.Now)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// put stores a text under a key, as PutObject does.
func (s *Store) put(t *testing.T, bucket, key, text string) {
	t.Helper()
	got, err := s.files.receive(strings.NewReader(text))
	require.NoError(t, err)
	_, _, err = s.commit(bucket, key, nil, Version{File: got.file, Size: got.size, ETag: got.sums.etag()})
	require.NoError(t, err)
}

// tree lists the files below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	return files
}

func TestObjectsAreFilesUnderBucketAndKey(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	require.NoError(t, store.Create(Bucket{Name: "shelf", Account: "1", Region: "r"}))
	store.put(t, "shelf", "a/b/c.txt", "text")
	store.put(t, "shelf", "a/b/c.txt", "newer")
	require.Equal(t, []string{"shelf/a/b/c.txt"}, tree(t, dir))
	text, err := os.ReadFile(filepath.Join(dir, "shelf/a/b/c.txt"))
	require.NoError(t, err)
	require.Equal(t, "newer", string(text))
	_, err = store.erase("shelf", "a/b/c.txt", "")
	require.NoError(t, err)
	require.Empty(t, tree(t, dir))
	assert.NoDirExists(t, filepath.Join(dir, "shelf", "a"), "empty folders go with their last object")
}

func TestAKeyThatIsAlsoAFolderIsStoredApart(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	require.NoError(t, store.Create(Bucket{Name: "shelf", Account: "1", Region: "r"}))
	store.put(t, "shelf", "a", "file")
	store.put(t, "shelf", "a/b", "below")
	store.put(t, "shelf", "c/d", "below")
	store.put(t, "shelf", "c", "file")
	assert.FileExists(t, filepath.Join(dir, "shelf", "a"))
	assert.FileExists(t, filepath.Join(dir, "shelf", "c", "d"))
	require.Len(t, tree(t, filepath.Join(dir, oddDir)), 2)
}

func TestOldVersionsAreStoredApartAndRestored(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	require.NoError(t, store.Create(Bucket{Name: "shelf", Account: "1", Region: "r", Versioning: Enabled}))
	store.put(t, "shelf", "k", "one")
	store.put(t, "shelf", "k", "two")
	require.Len(t, tree(t, filepath.Join(dir, versionsDir)), 1)
	newest := store.buckets["shelf"].Objects["k"][1].ID
	_, err := store.erase("shelf", "k", newest)
	require.NoError(t, err)
	require.Equal(t, []string{"shelf/k"}, tree(t, dir))
	text, err := os.ReadFile(filepath.Join(dir, "shelf/k"))
	require.NoError(t, err)
	require.Equal(t, "one", string(text))
}

func TestALinkDoesNotLeadOutOfTheStore(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "s3")
	store := open(t, dir)
	require.NoError(t, store.Create(Bucket{Name: "shelf", Account: "1", Region: "r"}))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "shelf"), 0o700))
	require.NoError(t, os.Symlink(parent, filepath.Join(dir, "shelf", "out")))
	store.put(t, "shelf", "out/escaped", "text")
	assert.NoFileExists(t, filepath.Join(parent, "escaped"))
	_, file, err := store.open("shelf", "out/escaped", "")
	require.NoError(t, err, "it lies aside")
	require.NoError(t, file.Close())
}

func TestIncompleteUploadsOfAKilledServerAreDropped(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	_, err := store.files.receive(strings.NewReader("half"))
	require.NoError(t, err)
	require.Len(t, tree(t, dir), 1)
	open(t, dir)
	require.Empty(t, tree(t, dir))
}

func FuzzKeys(f *testing.F) {
	dir := f.TempDir()
	store, err := New(filepath.Join(dir, "s3"), time.Now)
	require.NoError(f, err)
	f.Cleanup(func() { _ = store.Close() })
	require.NoError(f, store.Create(Bucket{Name: "shelf", Account: "1", Region: "r"}))
	for _, key := range []string{"a", "a/b", "../x", "/", "a//b", "\x00", "..", "./a", "a/../../b", "\xff", strings.Repeat("a/", 300)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" || len(key) > maxKey {
			return
		}
		store.put(t, "shelf", key, key)
		_, file, err := store.open("shelf", key, "")
		require.NoError(t, err)
		text := make([]byte, len(key))
		_, err = file.ReadAt(text, 0)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.Equal(t, key, string(text))
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing beside the store's own directory")
		_, err = store.erase("shelf", key, "")
		require.NoError(t, err)
	})
}
