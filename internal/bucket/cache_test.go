package bucket

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// packedFolder packs a folder as a cache.
func packedFolder(t *testing.T, dir string) (Packed, Cache) {
	t.Helper()
	var raw bytes.Buffer
	_, err := archive.PackTar(t.Context(), &raw, dir, func(string, bool) bool { return false })
	require.NoError(t, err)
	p, err := PackFolders(func(f *archive.Folders) error { return f.Add(t.Context(), "0", &raw) })
	require.NoError(t, err)
	t.Cleanup(p.Remove)
	c := aCache
	c.Digest = p.Digest
	return p, c
}

func TestACacheIsFetchedAsItWasSaved(t *testing.T) {
	for name, b := range map[string]Bucket{"S3": newCloud(t).store, "a directory": OpenDirectory(t.TempDir())} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "file"), []byte("content"), 0o644))
		p, c := packedFolder(t, dir)
		require.NoError(t, b.SaveCache(t.Context(), "main", c, p), name)
		keys, err := b.List(t.Context(), CachePrefix("main"))
		require.NoError(t, err)
		assert.Equal(t, []string{CacheKey("main", c)}, keys, name)
		var raw bytes.Buffer
		done, err := b.FetchCache(t.Context(), keys[0], "0", &raw)
		require.NoError(t, err, name)
		assert.Equal(t, archive.Contents{Files: 1, Bytes: 7}, done)
		unpacked, err := archive.UnpackTar(t.Context(), &raw, t.TempDir(), limits.Budget{})
		require.NoError(t, err, name)
		assert.Equal(t, done, unpacked, name)

		other := c
		other.Digest = algorithm + strings.Repeat("00", 32)
		require.NoError(t, b.SaveCache(t.Context(), "main", other, p))
		_, err = b.FetchCache(t.Context(), CacheKey("main", other), "0", io.Discard)
		require.ErrorContains(t, err, "has changed", name)
		_, err = b.FetchCache(t.Context(), DocumentKey(commit), "0", io.Discard)
		require.ErrorContains(t, err, "is not the key of a cache", name)
		b.Release()
	}
}

func TestNoCacheInS3IsOverwritten(t *testing.T) {
	b := newCloud(t).store
	p, c := packedFolder(t, t.TempDir())
	require.NoError(t, b.SaveCache(t.Context(), "main", c, p))
	require.ErrorIs(t, b.SaveCache(t.Context(), "main", c, p), fs.ErrExist)
}

func TestOldCachesInASimulatedBucketAreRemoved(t *testing.T) {
	cloud := newCloud(t)
	p, c := packedFolder(t, t.TempDir())
	old := c
	old.Saved = c.Saved.Add(-time.Second)
	require.NoError(t, cloud.store.SaveCache(t.Context(), "main", c, p))
	require.NoError(t, cloud.store.SaveCache(t.Context(), "other", old, p))
	require.NoError(t, cloud.store.Put(t.Context(), DocumentKey(commit), []byte("{}")))
	require.NoError(t, PruneCaches(t.Context(), s3.New(cloud.client.Options()), bucket, c.Saved.Add(CacheDays*24*time.Hour)))
	keys, err := cloud.store.List(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, []string{DocumentKey(commit), CacheKey("main", c)}, keys)
}

// TestCachesOfBranchesAreApart holds the folders of branches apart from each other and from
// the objects of commits, for which other identities have permissions.
func TestCachesOfBranchesAreApart(t *testing.T) {
	commits := regexp.MustCompile("^" + strings.NewReplacer("?", ".", "*", ".*").Replace(CommitKeys()) + "$")
	seen := map[string]string{}
	for _, branch := range []string{
		"main", "Main", "MAIN", "main/x", "main-x", "main ", "", "..", "../main", "-", "a", "ä", "$(id)", "{{x}}", strings.Repeat("x", 34), strings.Repeat("x", 244), strings.Repeat("/", 40),
	} {
		prefix, key := CachePrefix(branch), CacheKey(branch, aCache)
		require.True(t, strings.HasPrefix(key, prefix))
		assert.Regexp(t, `^cache/[a-z0-9-]+/[A-Z0-9a-f-]+\.tar\.zst$`, key)
		assert.False(t, commits.MatchString(key), key)
		for other, name := range seen {
			assert.False(t, strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix), "%q and %q", branch, name)
		}
		seen[prefix] = branch
		got, ok := CacheOf(key)
		require.True(t, ok)
		assert.Equal(t, aCache, got)
	}
}

func TestOtherKeysAreNoCaches(t *testing.T) {
	key := CacheKey("main", aCache)
	for _, other := range []string{
		"", DocumentKey(commit), strings.Replace(key, "cache/", "cache/x/", 1), strings.Replace(key, "2026", "2O26", 1), strings.Replace(key, "1212", "12", 1),
		strings.Replace(key, "3434", "xx34", 1), strings.Replace(key, "abab", "ABAB", 1), key + ".bak",
	} {
		_, ok := CacheOf(other)
		assert.False(t, ok, other)
	}
}
