package checkout

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestARepositoryOfAnyShapeIsCheckedOutWithItsHistoryAndTags(t *testing.T) {
	shapes := gittest.Shapes(t)
	commit := git(t, shapes["an ordinary repository"].Dir, "rev-parse", "HEAD")
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, url := range []string{shape.Dir, FolderURL(shape.Dir)} {
				done, dir, err := checkOutTo(t, url, commit)
				require.NoError(t, err, url)
				assert.Equal(t, 1, done.Files)
				text, err := os.ReadFile(filepath.Join(dir, "svc/file"))
				require.NoError(t, err)
				assert.Equal(t, "second", string(text))
				assert.Empty(t, git(t, dir, "status", "--porcelain"))
				history, described := "second\nfirst", "v1.0.0-1-g"+commit[:7]
				if shape.Shallow {
					history, described = "second", commit[:7]
				}
				assert.Equal(t, history, git(t, dir, "log", "--format=%s"))
				assert.Equal(t, described, git(t, dir, "describe", "--tags", "--always"))
			}
			head, err := Head(t.Context(), Options{URL: FolderURL(shape.Dir), Branch: "main", AllowLocal: true})
			require.NoError(t, err)
			assert.Contains(t, []string{commit, ""}, head, "\"\" if the shape has no such branch")
		})
	}
}

func TestTheMissingObjectOfAPartialCloneIsNamed(t *testing.T) {
	r := gittest.New(t)
	r.Write("a/file", "a")
	r.Write("top", "x")
	commit := r.Commit("one")
	r.Git("config", "uploadpack.allowFilter", "true")
	dir := filepath.Join(t.TempDir(), "partial")
	r.Git("clone", "-q", "--filter=blob:none", "--sparse", "file://"+r.Dir, dir)
	_, _, err := checkOutTo(t, dir, commit)
	require.ErrorContains(t, err, "is a partial clone and lacks")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "git archive HEAD")

	git(t, dir, "archive", "--output", filepath.Join(t.TempDir(), "x.tar"), "HEAD")
	_, _, err = checkOutTo(t, dir, commit)
	require.NoError(t, err, "the hint works")
}

func TestUnsupportedRepositoriesAreRefusedByName(t *testing.T) {
	sha256 := gittest.New(t, "--object-format=sha256")
	sha256.Commit("one")
	reftable := gittest.New(t)
	reftable.Commit("one")
	reftable.Git("config", "core.repositoryFormatVersion", "1")
	config, err := os.ReadFile(filepath.Join(reftable.Dir, ".git/config"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(reftable.Dir, ".git/config"), append(config, "[extensions]\n\trefStorage = reftable\n"...), 0o644))
	for dir, words := range map[string][]string{
		sha256.Dir: {"has SHA-256 object names", "SHA-1"}, reftable.Dir: {"reftable", "git refs migrate --ref-format=files"},
	} {
		_, _, err := checkOutTo(t, dir, strings.Repeat("ab", 20))
		require.ErrorContains(t, err, words[0])
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), words[1])
	}
}

func TestTagsOfTheCommitAreFetchedWithIt(t *testing.T) {
	r := anyCommit(gittest.New(t))
	commits := sixty(r)
	r.Git("tag", "-a", "v1.0.0", "-m", "release", commits[9])
	r.Git("tag", "light", commits[20])
	r.Git("tag", "-a", "other", "-m", "of another commit", commits[30])
	url := r.Serve()
	for at, want := range map[int]string{9: "v1.0.0", 20: "light", 25: commits[25][:7]} {
		done, dir, err := checkOutTo(t, url, commits[at])
		require.NoError(t, err)
		assert.True(t, done.Shallow)
		assert.Equal(t, want, git(t, dir, "describe", "--tags", "--always"))
		assert.Equal(t, "1", git(t, dir, "rev-list", "--count", "HEAD"))
		git(t, dir, "fsck")
	}
	r.Git("config", "uploadpack.allowReachableSHA1InWant", "false")
	_, dir, err := checkOutTo(t, url, commits[25])
	require.NoError(t, err)
	assert.Equal(t, "light-5-g"+commits[25][:7], git(t, dir, "describe", "--tags"), "with the whole history")
	assert.Equal(t, "light\nother\nv1.0.0", git(t, dir, "tag"))
}

func TestATagWithAnInvalidNameIsLeftOut(t *testing.T) {
	r := gittest.New(t)
	commit := r.Commit("one")
	r.Git("pack-refs", "--all")
	packed := filepath.Join(r.Dir, ".git/packed-refs")
	text, err := os.ReadFile(packed)
	require.NoError(t, err)
	bad := commit + " refs/tags/../../config\n" + commit + " refs/tags/good\n" + commit + " refs/tags/-q..x\n" + strings.Repeat("ab", 20) + " refs/tags/gone\n"
	require.NoError(t, os.WriteFile(packed, append(text, bad...), 0o644))
	_, dir, err := checkOutTo(t, r.Dir, commit)
	require.NoError(t, err)
	assert.Equal(t, "good", git(t, dir, "tag"))
}

func TestAURLWithAQueryIsNoFolder(t *testing.T) {
	for _, url := range []string{"file:///srv/shop?x", "file:///srv/shop#x", "file:///srv/shop?", "file:///srv/a%0Ab"} {
		_, err := parseAddress(Options{URL: url, AllowLocal: true}.withDefaults())
		assert.Equal(t, errs.Invalid, errs.KindOf(err), url)
	}
	a, err := parseAddress(Options{URL: "file:///srv/my%20shop%23%3f%25", AllowLocal: true}.withDefaults())
	require.NoError(t, err)
	assert.Equal(t, "/srv/my shop#?%", a.local)
}

func TestPipesAndEndlessFilesInTheRepositoryDoNotBlock(t *testing.T) {
	r := gittest.New(t)
	commit := r.Commit("one")
	require.NoError(t, os.MkdirAll(filepath.Join(r.Dir, ".git/objects/info"), 0o755))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(r.Dir, ".git/objects/info/alternates")))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(r.Dir, ".git/commondir")))
	var progress bytes.Buffer
	_, _, err := checkOutTo(t, r.Dir, commit, func(o *Options) { o.Progress = &progress })
	require.NoError(t, err)
}
