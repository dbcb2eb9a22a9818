package build_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/build"
)

// cachedBuild is a build with a cache, whose bucket is a directory.
type cachedBuild struct {
	t      *testing.T
	home   string
	bucket string
	runner command.Runner
	lock   string // content of the file of the key
	more   string // a further file of the commit
	link   string // a link of the commit that leads nowhere
}

// newCachedBuild prepares builds as processes, or in another container.
func newCachedBuild(t *testing.T, apart bool) *cachedBuild {
	t.Helper()
	b := &cachedBuild{t: t, home: t.TempDir(), bucket: t.TempDir(), runner: proc.Runner{}, lock: "1"}
	t.Setenv("HOME", b.home)
	programs := t.TempDir() // without tools that take long to say their version
	for _, name := range []string{"bash", "sh", "mkdir", "cat", "ln", "touch", "date", "chmod", "truncate"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(programs, name)))
	}
	t.Setenv("PATH", programs)
	if apart {
		b.runner = remotetest.Start(t)
	}
	return b
}

// run builds a commit of a branch in a home of its own, and returns its log.
func (b *cachedBuild) run(branch, cache string, change func(*build.Input), commands ...string) string {
	b.t.Helper()
	log, err := b.try(branch, cache, change, commands...)
	require.NoError(b.t, err, log)
	return log
}

func (b *cachedBuild) try(branch, cache string, change func(*build.Input), commands ...string) (string, error) {
	b.t.Helper()
	dir := source(b.t, `{cache: `+cache+`, commands: ["`+strings.Join(commands, `", "`)+`"]}`)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(b.lock), 0o644))
	if b.more != "" {
		require.NoError(b.t, os.MkdirAll(filepath.Join(dir, filepath.Dir(b.more)), 0o755))
		require.NoError(b.t, os.WriteFile(filepath.Join(dir, b.more), nil, 0o644))
	}
	if b.link != "" {
		require.NoError(b.t, os.MkdirAll(filepath.Join(dir, filepath.Dir(b.link)), 0o755))
		require.NoError(b.t, os.Symlink("missing", filepath.Join(dir, b.link)))
	}
	for _, left := range []string{".npm", ".cache"} { // as in a new pod
		require.NoError(b.t, os.RemoveAll(filepath.Join(b.home, left)))
	}
	w := &world{runner: b.runner}
	in := build.Input{Commit: commit, Config: config.File, Source: dir, ArtifactDir: b.bucket, Branch: branch, CacheBranch: "main"}
	if change != nil {
		change(&in)
	}
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.log, Redactor: redact.New()}
	_, err := build.Run(b.t.Context(), w.deps(dir, in), frame, in)
	return w.log.String(), err
}

// saved are the keys of all caches.
func (b *cachedBuild) saved() []string {
	keys, err := bucket.OpenDirectory(b.bucket).List(b.t.Context(), bucket.CachesPrefix())
	require.NoError(b.t, err)
	return keys
}

const (
	npmAndModules = `{paths: [~/.npm, deep/modules], key: ["package-*.json"]}`
	fills         = "mkdir -p ~/.npm/a deep/modules && echo one > ~/.npm/a/file && chmod 755 ~/.npm/a/file && ln -sfn file ~/.npm/a/link && touch -d 2001-02-03T04:05:06.7Z ~/.npm/a/file && echo two > deep/modules/file"
	finds         = "test -x ~/.npm/a/file && cat ~/.npm/a/link deep/modules/file && date -u -r ~/.npm/a/file +%FT%T.%1N"
)

// everywhere runs a test for builds as processes and in another container.
func everywhere(t *testing.T, test func(t *testing.T, b *cachedBuild)) {
	for name, apart := range map[string]bool{"processes": false, "another container": true} {
		t.Run(name, func(t *testing.T) { test(t, newCachedBuild(t, apart)) })
	}
}

func TestWhatABuildLeavesIsRestoredByTheNextOneWithTheSameKey(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		log := b.run("main", npmAndModules, nil, fills)
		assert.Contains(t, log, `msg="cache: none"`)
		assert.Contains(t, log, "cache: saved 8 bytes of ~/.npm, deep/modules (key ")
		require.Len(t, b.saved(), 1)
		log = b.run("main", npmAndModules, nil, finds)
		assert.Contains(t, log, "one\ntwo\n2001-02-03T04:05:06.7\n")
		assert.Contains(t, log, "cache: restored 8 bytes of ~/.npm, deep/modules (key ")
		assert.NotContains(t, log, "the newest")
		assert.Len(t, b.saved(), 1, "a key that is not new is not saved again")
	})
}

func TestABuildWithAnotherKeyRestoresTheNewestCacheAndSavesItsOwn(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		b.run("main", npmAndModules, nil, fills)
		b.lock = "2"
		log := b.run("main", npmAndModules, nil, finds, "echo three > ~/.npm/a/file")
		assert.Contains(t, log, ", the newest, as there is none with the key ")
		assert.Len(t, b.saved(), 2)
		log = b.run("main", npmAndModules, nil, "cat ~/.npm/a/file")
		assert.Contains(t, log, "three")
		assert.NotContains(t, log, "the newest")
	})
}

func TestAFailedBuildSavesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		_, err := b.try("main", npmAndModules, nil, fills, "false")
		require.Error(t, err)
		assert.Empty(t, b.saved())
	})
}

// TestABranchNeverDecidesWhatAnotherOneRestores is the attacker who controls one branch of
// the repository, in a cluster and where it is built on the same machine.
func TestABranchNeverDecidesWhatAnotherOneRestores(t *testing.T) {
	b := newCachedBuild(t, false)
	local := func(in *build.Input) { in.AllowLocal = true }
	for _, branch := range []string{"main/x", "Main", "main ", "../main", "cache", "", "feature"} {
		log := b.run(branch, npmAndModules, nil, fills)
		assert.Contains(t, log, "cache: not saved, as only builds of the branch main do", branch)
		assert.Empty(t, b.saved(), branch)
		log = b.run(branch, npmAndModules, local, fills)
		assert.Equal(t, branch != "", strings.Contains(log, "cache: saved"), branch)
		log = b.run("main", npmAndModules, nil, "test ! -e ~/.npm", "test ! -e deep", "mkdir -p deep/modules")
		assert.Contains(t, log, `msg="cache: none"`, branch)
		for _, key := range b.saved() {
			require.NoError(t, os.Remove(filepath.Join(b.bucket, key)))
		}
	}

	b.run("main", npmAndModules, nil, fills)
	log := b.run("feature", npmAndModules, nil, finds)
	assert.Contains(t, log, "cache: restored", "a branch reads what the pipeline's own left")
	b.lock = "2"
	b.run("feature", npmAndModules, local, fills, "echo own > ~/.npm/a/file")
	assert.Contains(t, b.run("feature", npmAndModules, local, "cat ~/.npm/a/file"), "own", "on one machine a branch has its own")
	assert.Contains(t, b.run("main", npmAndModules, nil, finds), "one\ntwo")
}

func TestWhatIsThereAlreadyIsNeitherReplacedNorSaved(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		b.run("main", npmAndModules, nil, fills)
		b.more = "deep/modules/committed"
		log := b.run("main", npmAndModules, nil, "test -e deep/modules/committed && test ! -e deep/modules/file", "cat ~/.npm/a/link")
		assert.Contains(t, log, "deep/modules is there already")
		assert.Contains(t, log, "cache: restored 4 bytes of ~/.npm (key ")
	})
}

func TestALinkOfTheCommitThatLeadsNowhereIsNotReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		b.run("main", npmAndModules, nil, fills)
		b.link = "deep/modules"
		log := b.run("main", npmAndModules, nil, "test -L deep/modules", "cat ~/.npm/a/link")
		assert.Contains(t, log, "deep/modules is there already")
	})
}

func TestWhatAKilledBuildLeftOfAFolderDoesNotKeepTheNextOneFromRestoring(t *testing.T) {
	b := newCachedBuild(t, false)
	b.run("main", npmAndModules, nil, fills)
	require.NoError(t, os.MkdirAll(filepath.Join(b.home, ".aphex-.npm", "a"), 0o755)) // as one build would have, for all
	assert.Contains(t, b.run("main", npmAndModules, nil, finds), "cache: restored")
}

func TestACacheFitsOnlyTheSamePathsAndConfiguration(t *testing.T) {
	b := newCachedBuild(t, false)
	b.run("main", npmAndModules, nil, fills)
	assert.Contains(t, b.run("main", `{paths: [~/.npm], key: ["package-*.json"]}`, nil, "test ! -e ~/.npm", "mkdir ~/.npm && echo x > ~/.npm/x"), `msg="cache: none"`)
}

func TestACacheThatCannotBeUsedIsAWarningAndReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		evil := func(entries ...tar.Header) func() []byte {
			return func() []byte {
				var raw bytes.Buffer
				packed, err := archive.NewFolders(&raw, archive.Limits{})
				require.NoError(t, err)
				for _, name := range []string{"0", "1"} {
					var inner bytes.Buffer
					files := tar.NewWriter(&inner)
					for _, entry := range entries {
						require.NoError(t, files.WriteHeader(&entry))
					}
					require.NoError(t, files.Close())
					require.NoError(t, packed.Add(t.Context(), name, &inner))
				}
				_, err = packed.Close()
				require.NoError(t, err)
				return raw.Bytes()
			}
		}
		file := tar.Header{Typeflag: tar.TypeReg, Name: "f", Mode: 0o644}
		for name, content := range map[string]func() []byte{
			"cut off":        nil,
			"empty":          func() []byte { return nil },
			"no archive":     func() []byte { return []byte(strings.Repeat("x", 1000)) },
			"a name twice":   evil(file, file),
			"through a link": evil(tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "/"}, tar.Header{Typeflag: tar.TypeReg, Name: "l/f", Mode: 0o644}),
		} {
			b.run("main", npmAndModules, nil, fills)
			old := b.saved()
			require.Len(t, old, 1, name)
			damage(t, b, old[0], content)
			log := b.run("main", npmAndModules, nil, "test ! -e ~/.npm && test ! -e deep/modules", fills)
			assert.Contains(t, log, "cache: not restored: ~/.npm", name)
			left, err := filepath.Glob(filepath.Join(b.home, ".aphex-*"))
			require.NoError(t, err)
			assert.Empty(t, left, name)
			assert.Contains(t, b.run("main", npmAndModules, nil, finds), "one\ntwo", "%s: a cache that fits is saved anew", name)
			for _, key := range b.saved() {
				require.NoError(t, os.Remove(filepath.Join(b.bucket, key)))
			}
		}
	})
}

// damage replaces a cache: nil cuts it off, whose digest is then another one; other content
// is stored as an attacker would who holds the rights of the build. It is one second older
// than what replaces it, as keys are in the order of their time.
func damage(t *testing.T, b *cachedBuild, key string, content func() []byte) {
	t.Helper()
	c, ok := bucket.CacheOf(key)
	require.True(t, ok)
	data, err := os.ReadFile(filepath.Join(b.bucket, key))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(b.bucket, key)))
	made := filepath.Join(t.TempDir(), "made")
	c.Saved = c.Saved.Add(-time.Second)
	if content == nil {
		require.NoError(t, os.WriteFile(made, data[:100], 0o600))
	} else {
		require.NoError(t, os.WriteFile(made, content(), 0o600))
		c.Digest, err = digestOf(made)
		require.NoError(t, err)
	}
	require.NoError(t, bucket.OpenDirectory(b.bucket).SaveCache(t.Context(), "main", c, bucket.Packed{File: made}))
}

func TestACacheThatCannotBeSavedIsAWarning(t *testing.T) {
	everywhere(t, func(t *testing.T, b *cachedBuild) {
		log := b.run("main", npmAndModules, nil, "mkdir -p ~/.npm && truncate -s 3G ~/.npm/large")
		assert.Contains(t, log, "cache: not saved: it is too large")
		assert.Contains(t, log, "more than 2 GiB")
		assert.Empty(t, b.saved())
		log = b.run("main", npmAndModules, nil, "true")
		assert.Contains(t, log, "the commands left none of the folders")
		log = b.run("main", `{paths: [~/.npm], key: [go.sum]}`, nil, fills)
		assert.Contains(t, log, `build.cache.key: no file of the commit matches`)
		log = b.run("main", npmAndModules, func(in *build.Input) { in.CacheBranch = "" }, fills)
		assert.Contains(t, log, "cache: none, as --cache-branch is not set")
		assert.Empty(t, b.saved())
	})
}

func TestLinksOfTheCommandsLeadNoCacheOutOfItsFolder(t *testing.T) {
	b := newCachedBuild(t, false)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "canary"), []byte("x"), 0o600))
	log := b.run("main", `{paths: [linked], key: [package-lock.json]}`, nil, "ln -s "+outside+" linked")
	assert.Contains(t, log, "cache: not saved")
	assert.Contains(t, log, "escapes")
	assert.Empty(t, b.saved())
}

func TestOldCachesOfADirectoryAreRemoved(t *testing.T) {
	b := newCachedBuild(t, false)
	b.run("main", npmAndModules, nil, fills)
	key := b.saved()[0]
	c, _ := bucket.CacheOf(key)
	c.Saved = c.Saved.Add(-(bucket.CacheDays*24 + 1) * time.Hour)
	require.NoError(t, os.Rename(filepath.Join(b.bucket, key), filepath.Join(b.bucket, bucket.CacheKey("main", c))))
	log := b.run("main", npmAndModules, nil, fills)
	assert.Contains(t, log, `msg="cache: none"`, "it has expired")
	assert.Len(t, b.saved(), 1)
	assert.False(t, slices.Contains(b.saved(), bucket.CacheKey("main", c)))
}

// broken is a bucket whose caches cannot be reached.
type broken struct{ bucket.Bucket }

func (broken) List(context.Context, string) ([]string, error) { return nil, errors.New("no way") }

func (broken) SaveCache(context.Context, string, bucket.Cache, bucket.Packed) error {
	return errors.New("no way")
}

func TestABucketWithoutRightsForCachesIsAWarning(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	var w world
	dir := source(t, `{cache: {paths: [made], key: [`+config.File+`]}, commands: ["mkdir made"]}`)
	in := build.Input{Commit: commit, Config: config.File, Source: dir, ArtifactDir: t.TempDir(), Branch: "main", CacheBranch: "main"}
	deps := w.deps(dir, in)
	deps.Bucket = broken{deps.Bucket}
	_, err := build.Run(t.Context(), deps, stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: io.Discard, Redactor: redact.New()}, in)
	require.NoError(t, err)
	assert.Contains(t, w.log.String(), `level=WARN msg="cache: none" error="no way"`)
	assert.Contains(t, w.log.String(), `level=WARN msg="cache: not saved" error="no way"`)
}
