package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// cacheTime is how long restoring the cache may take, and saving it.
const cacheTime = 10 * time.Minute

// cache are the folders of build.cache. Whatever goes wrong with them is a warning, and the
// build goes on. A nil cache does nothing.
//
// A build reads what builds of its own branch left, and of the branch of the pipeline, and
// writes to the folder of its own branch alone. So nobody who cannot push to the branch of a
// pipeline decides what its builds are given: neither by a pull request nor by another branch,
// nor by another pipeline of the repository, which has another bucket.
type cache struct {
	bucket   bucket.Bucket
	frame    stage.Frame
	branches []string // to read, the own one first
	own      string   // branch to write; "" is none
	folders  []folder
	kind     string // digest of what is restored where
	files    string // digest of the files of the key
	complete bool   // all folders were restored as a build with the same files left them
}

// folder is one of the cache.
type folder struct {
	place
	path string // as in the configuration
	name string // in the archive
}

// openCache prepares the cache that the configuration asks for. Its key follows from the
// files of the commit in dir, before any command ran.
func (d Deps) openCache(frame stage.Frame, in Input, build config.Build, dir string) *cache {
	if build.Cache == nil {
		return nil
	}
	if in.CacheBranch == "" {
		frame.Log.Info("cache: none, as --cache-branch is not set")
		return nil
	}
	files, err := digestOfFiles(dir, build.Cache.Key)
	if err != nil {
		frame.Log.Warn("cache: none", "error", err)
		return nil
	}
	c := &cache{bucket: d.Bucket, frame: frame, branches: []string{in.CacheBranch}, kind: kindOf(in.Config, build.Cache.Paths), files: files}
	if in.Branch != "" && in.Branch != in.CacheBranch {
		c.branches = []string{in.Branch, in.CacheBranch}
	}
	if in.Branch == in.CacheBranch || in.AllowLocal {
		c.own = in.Branch
	}
	home := homeOf(checkout.Environ(d.Runner.Environ(), config.Variables(build.Env)...))
	for i, name := range build.Cache.Paths {
		where := place{d.Runner, d.Runner.Place(dir), path.Clean(name)}
		if inside, isHome := strings.CutPrefix(name, "~/"); isHome {
			where.base, where.inside = home, path.Clean(inside)
		}
		c.folders = append(c.folders, folder{where, name, strconv.Itoa(i)})
	}
	return c
}

// homeOf returns the home of commands with that environment.
func homeOf(environ []string) (home string) {
	for _, entry := range environ {
		if value, is := strings.CutPrefix(entry, "HOME="); is {
			home = value
		}
	}
	return home
}

// kindOf returns the digest of what else must be the same for a cache to fit: paths,
// pipeline of the repository, and kind of machine.
func kindOf(configuration string, paths []string) string {
	text, _ := json.Marshal([]any{1, configuration, paths, runtime.GOOS, runtime.GOARCH}) // strings always encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// digestOfFiles returns the digest of the names and contents of the files that match. A
// pattern without a match is an error: the key would never change.
func digestOfFiles(dir string, patterns []string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	var names []string
	for _, pattern := range patterns {
		matches, err := fs.Glob(root.FS(), path.Clean(pattern))
		if err != nil || len(matches) == 0 {
			return "", fmt.Errorf("build.cache.key: no file of the commit matches %q", pattern)
		}
		names = append(names, matches...)
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range slices.Compact(names) {
		file, err := limits.OpenIn(root, name)
		if err != nil {
			return "", fmt.Errorf("build.cache.key: %w", err)
		}
		own := sha256.New()
		_, err = io.Copy(own, file)
		_ = file.Close()
		if err != nil {
			return "", fmt.Errorf("build.cache.key: %w", err)
		}
		fmt.Fprintf(all, "%q %x\n", name, own.Sum(nil))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// restore restores the folders that nothing is in the place of; only these are saved later.
func (c *cache) restore(parent context.Context) {
	if c == nil {
		return
	}
	ctx, stop := context.WithTimeout(parent, cacheTime)
	defer stop()
	defer c.bucket.Release()
	c.leaveOut(ctx)
	if len(c.folders) == 0 || ctx.Err() != nil {
		return
	}
	key, found, err := c.find(ctx)
	if err != nil && parent.Err() == nil {
		c.frame.Log.Warn("cache: none", "error", err)
	}
	if err != nil {
		return
	}
	if key == "" {
		c.frame.Log.Info("cache: none")
		return
	}
	c.complete = found.Files == c.files
	var restored []string
	var bytes int64
	for _, f := range c.folders {
		var contents archive.Contents
		err := f.make(ctx, func(ctx context.Context, tar io.Writer) (err error) {
			contents, err = c.bucket.FetchCache(ctx, key, f.name, tar)
			return err
		})
		switch {
		case err == nil:
			restored, bytes = append(restored, f.path), bytes+contents.Bytes
		case errors.Is(err, archive.ErrNoFolder): // the build that saved the others had none
		case parent.Err() != nil:
			return
		default:
			c.complete = false
			c.frame.Log.Warn("cache: not restored: "+f.path, "error", err)
		}
	}
	if len(restored) > 0 {
		c.frame.Log.Info(fmt.Sprintf("cache: restored %s of %s (key %s)%s", limits.Size(bytes), strings.Join(restored, ", "), short(found.Files), c.newest(found)))
	}
}

// newest says that a cache is not that of the key.
func (c *cache) newest(found bucket.Cache) string {
	if found.Files == c.files {
		return ""
	}
	return ", the newest, as there is none with the key " + short(c.files)
}

// short returns the first digits of a digest, as people see them.
func short(digest string) string { return digest[:12] }

// leaveOut leaves out the folders that are there already.
func (c *cache) leaveOut(ctx context.Context) {
	c.folders = slices.DeleteFunc(c.folders, func(f folder) bool {
		there, err := f.has(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.frame.Log.Warn("cache: not used: "+f.path, "error", err)
		case there:
			c.frame.Log.Info("cache: " + f.path + " is there already: it is left as it is, and not saved")
		}
		return err != nil || there
	})
}

// find returns the key of the newest cache with the same files, of the own branch first, or
// else of the newest one; "" if there is none.
func (c *cache) find(ctx context.Context) (key string, found bucket.Cache, err error) {
	now, newestKey := time.Now(), ""
	var newest bucket.Cache
	for _, branch := range c.branches {
		keys, err := c.bucket.List(ctx, bucket.CachePrefix(branch))
		if err != nil {
			return "", found, err
		}
		for _, key := range slices.Backward(keys) { // the newest comes last
			one, ok := bucket.CacheOf(key)
			switch {
			case !ok || one.Folders != c.kind || one.Expired(now):
			case one.Files == c.files:
				return key, one, nil
			case newestKey == "":
				newestKey, newest = key, one
			}
		}
	}
	return newestKey, newest, nil
}

// save stores the folders as the commands left them, unless there is a cache with the same
// key.
func (c *cache) save(parent context.Context) {
	if c == nil || c.complete || len(c.folders) == 0 {
		return
	}
	if c.own == "" {
		c.frame.Log.Info("cache: not saved, as only builds of the branch " + c.branches[len(c.branches)-1] + " do")
		return
	}
	ctx, stop := context.WithTimeout(parent, cacheTime)
	defer stop()
	saved, packed, err := c.pack(ctx)
	if err == nil {
		defer packed.Remove()
	}
	if err == nil && len(saved) > 0 {
		err = c.bucket.SaveCache(ctx, c.own, bucket.Cache{Saved: time.Now().UTC().Truncate(time.Second), Folders: c.kind, Files: c.files, Digest: packed.Digest}, packed)
	}
	switch {
	case parent.Err() != nil:
	case errors.Is(err, limits.ErrExceeded):
		c.frame.Log.Warn("cache: not saved: it is too large; name fewer folders in build.cache.paths, or let the commands remove what later builds do not need", "error", err)
	case err != nil:
		c.frame.Log.Warn("cache: not saved", "error", err)
	case len(saved) == 0:
		c.frame.Log.Warn("cache: not saved: the commands left none of the folders in build.cache.paths")
	default:
		c.frame.Log.Info(fmt.Sprintf("cache: saved %s of %s (key %s)", limits.Size(packed.Contents.Bytes), strings.Join(saved, ", "), short(c.files)))
	}
}

// pack packs the folders that are there, and returns their paths.
func (c *cache) pack(ctx context.Context) (saved []string, packed bucket.Packed, err error) {
	packed, err = bucket.PackFolders(func(all *archive.Folders) error {
		for _, f := range c.folders {
			err := f.read(ctx, func(tar io.Reader) error { return all.Add(ctx, f.name, tar) })
			switch {
			case err == nil:
				saved = append(saved, f.path)
			case !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("%s: %w", f.path, err)
			}
		}
		return nil
	})
	return saved, packed, err
}
