package bucket

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Cache describes the folders that a build of a branch left for later builds. All of it is in
// the key of the object, so that nothing has to be updated when there is another one.
type Cache struct {
	Saved   time.Time // UTC, in whole seconds
	Folders string    // digest of what can be restored in its place, 16 hex digits
	Files   string    // digest of the files of the key, 64 hex digits
	Digest  string    // sha256:<hex> of the archive
}

// Expired reports whether a cache is too old to be used.
func (c Cache) Expired(now time.Time) bool {
	return now.Sub(c.Saved) > CacheDays*24*time.Hour
}

// timeInKey is the form of the time in the key of a cache: keys are in its order.
const timeInKey = "20060102T150405Z"

// CacheKey is the key of a cache of a branch.
func CacheKey(branch string, c Cache) string {
	return caches.key(folderOf(branch), c.Saved.UTC().Format(timeInKey), c.Folders, c.Files, strings.TrimPrefix(c.Digest, algorithm))
}

// CachePrefix is the prefix of the keys of the caches of a branch, and of no other one.
func CachePrefix(branch string) string { return caches.prefix(folderOf(branch)) }

// CacheOf returns the cache that has this key, if it is such a key.
func CacheOf(key string) (c Cache, ok bool) {
	values, ok := caches.parse(key)
	if !ok {
		return c, false
	}
	saved, err := time.Parse(timeInKey, values["time"])
	c = Cache{saved, values["folders"], values["files"], algorithm + values["sha256"]}
	return c, err == nil && isHex(c.Folders, 16) && isHex(c.Files, 64) && CheckDigest(c.Digest) == nil
}

func isHex(text string, digits int) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == digits
}

// Parts of the name of the folder of a branch: what can be read, and digits of a digest that
// keep the folders of branches apart, also where names differ only in case. Together they
// are so short that no pattern for keys of commits matches a key in the folder.
const (
	readableOfBranch = 12
	digitsOfBranch   = 20
)

// folderOf returns the name of the folder of a branch, whose name may be any text.
func folderOf(branch string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, branch)
	sum := sha256.Sum256([]byte(branch))
	return strings.TrimLeft(readable[:min(len(readable), readableOfBranch)]+"-"+hex.EncodeToString(sum[:])[:digitsOfBranch], "-")
}

// PackFolders packs folders that come as tars into a temporary file, within the budget of
// a cache: add adds them.
func PackFolders(add func(*archive.Folders) error) (Packed, error) {
	return packInto("cache-*"+suffix, func(p *Packed, file *os.File) error { return p.writeFolders(file, add) })
}

func (p *Packed) writeFolders(file *os.File, add func(*archive.Folders) error) error {
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	folders, err := archive.NewFolders(buffered, limits.Cache())
	if err != nil {
		return err
	}
	err = add(folders)
	contents, closing := folders.Close()
	if err != nil {
		return err
	}
	if closing != nil {
		return closing
	}
	p.Contents = contents
	return p.complete(file, buffered, sum)
}

func notCache(key string) error { return errs.Invalidf("%q is not the key of a cache", key) }

// PruneCaches removes the old caches in a bucket that has no rules for what expires, as that of a
// simulated account.
func PruneCaches(ctx context.Context, client *s3.Client, name string, now time.Time) error {
	keys, err := OpenS3(client, name).List(ctx, CachesPrefix())
	for _, key := range keys {
		if old, ok := CacheOf(key); ok && old.Expired(now) {
			_, removing := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &name, Key: &key})
			err = errors.Join(err, explain(removing, "removing", name, key))
		}
	}
	return err
}
