package checkout

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// anyCommit makes a server serve single commits, as GitHub does.
func anyCommit(r *gittest.Repository) *gittest.Repository {
	r.Git("config", "uploadpack.allowReachableSHA1InWant", "true")
	return r
}

// sixty makes sixty commits and returns their SHAs, the oldest first.
func sixty(r *gittest.Repository) (commits []string) {
	file := func(mode, name, content string) string {
		return fmt.Sprintf("M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
	}
	var history strings.Builder
	for i := range 60 {
		message := fmt.Sprint("commit ", i)
		fmt.Fprintf(&history, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata %d\n%s\n", 1_700_000_000+i, len(message), message)
		history.WriteString(file("100644", "count", fmt.Sprint(i)))
		if i == 0 {
			history.WriteString(file("100644", "folder/deeper/file.txt", "file") + file("100755", "run.sh", "#!/bin/sh\n") + file("120000", "link", "folder/deeper"))
		}
	}
	r.GitInput(history.String(), "fast-import", "--quiet")
	r.Git("reset", "-q", "--hard", "main")
	return strings.Fields(r.Git("rev-list", "--reverse", "main"))
}

func checkOutTo(t *testing.T, url, commit string, change ...func(*Options)) (Checkout, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workspace")
	o := Options{URL: url, Commit: commit, Dir: dir, AllowLocal: true, retryPause: time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	done, err := CheckOut(t.Context(), o)
	if err != nil {
		assertNothingLeft(t, dir)
	}
	return done, dir, err
}

// assertNothingLeft checks that a failed checkout left no folder behind.
func assertNothingLeft(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimRight(string(out), "\n")
}

func TestTheGivenCommitIsCheckedOut(t *testing.T) {
	r := anyCommit(gittest.New(t))
	commits := sixty(r)
	url := r.Serve()
	for name, at := range map[string]int{"the tip": 59, "50 behind the tip": 9, "the first": 0} {
		t.Run(name, func(t *testing.T) {
			done, dir, err := checkOutTo(t, url, commits[at])
			require.NoError(t, err)
			assert.Equal(t, Checkout{
				Dir: dir, Commit: commits[at], Files: 4, Bytes: done.Bytes, Received: done.Received, Shallow: true, Duration: done.Duration,
			}, done)
			count, err := os.ReadFile(filepath.Join(dir, "count"))
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(at), string(count))
			assertSameFiles(t, r, commits[at], dir)
			assert.Less(t, done.Received, int64(2000), "without the history")
		})
	}
}

// assertSameFiles compares with a checkout by git.
func assertSameFiles(t *testing.T, r *gittest.Repository, commit, dir string) {
	t.Helper()
	theirs := t.TempDir()
	git(t, r.Dir, "--work-tree", theirs, "checkout", "-q", "-f", commit, "--", ".")
	out, err := exec.Command("diff", "-r", "--no-dereference", "--exclude=.git", theirs, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(filepath.Join(dir, "run.sh"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode())
}

func TestGitWorksInTheWorkspace(t *testing.T) {
	r := anyCommit(gittest.New(t))
	commits := sixty(r)
	for name, url := range map[string]string{"over HTTP": r.Serve(), "from a folder": r.Dir, "from a file URL": "file://" + r.Dir} {
		t.Run(name, func(t *testing.T) {
			_, dir, err := checkOutTo(t, url, commits[9])
			require.NoError(t, err)
			assert.Equal(t, commits[9], git(t, dir, "rev-parse", "HEAD"))
			assert.Equal(t, "commit 9", git(t, dir, "log", "-1", "--format=%s"))
			assert.Empty(t, git(t, dir, "status", "--porcelain"))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "count"), []byte("changed"), 0o644))
			assert.Equal(t, " M count", git(t, dir, "status", "--porcelain"))
			git(t, dir, "fsck")
		})
	}
}

func TestAllBranchesAreFetchedFromAServerThatRefusesSingleCommits(t *testing.T) {
	r := gittest.New(t)
	commits := sixty(r)
	r.Git("checkout", "-q", "-b", "side", commits[20])
	r.Write("side", "x")
	side := r.Commit("on a branch of its own")
	r.Git("checkout", "-q", "main")
	r.Git("config", "uploadpack.allowAnySHA1InWant", "false")
	url := r.Serve()
	for name, commit := range map[string]string{"behind main": commits[9], "the other tip": side} {
		t.Run(name, func(t *testing.T) {
			var progress bytes.Buffer
			done, dir, err := checkOutTo(t, url, commit, func(o *Options) { o.Progress = &progress })
			require.NoError(t, err)
			assert.Equal(t, commit, git(t, dir, "rev-parse", "HEAD"))
			assertSameFiles(t, r, commit, dir)
			assert.Equal(t, commit == side, done.Shallow, "the tip of a branch is served alone")
			assert.Equal(t, commit != side, strings.Contains(progress.String(), "fetching all branches"))
		})
	}
}

func TestACommitInNoBranchIsAnError(t *testing.T) {
	r := gittest.New(t)
	commits := sixty(r)
	r.Git("reset", "-q", "--hard", commits[30])
	r.Git("reflog", "expire", "--expire=now", "--all")
	for name, allow := range map[string]string{"single commits": "true", "branches only": "false"} {
		t.Run(name, func(t *testing.T) {
			r.Git("config", "uploadpack.allowReachableSHA1InWant", allow)
			_, _, err := checkOutTo(t, r.Serve(), commits[59])
			require.Error(t, err)
			assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
			assert.Contains(t, err.Error(), commits[59]+" is not in any branch or tag")
			assert.NotEmpty(t, errs.HintOf(err))
		})
	}
}

func TestATreeIsNoCommit(t *testing.T) {
	r := gittest.New(t)
	sixty(r)
	r.Git("config", "uploadpack.allowAnySHA1InWant", "true")
	_, _, err := checkOutTo(t, r.Serve(), r.Git("rev-parse", "HEAD^{tree}"))
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
}

func TestAnEmptyRepositoryIsAnError(t *testing.T) {
	_, _, err := checkOutTo(t, gittest.New(t).Serve(), strings.Repeat("ab", 20))
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
}

func TestSHA256NamesAreRefused(t *testing.T) {
	r := gittest.New(t, "--object-format=sha256")
	r.Write("a", "a")
	commit := r.Commit("one")
	_, _, err := checkOutTo(t, r.Serve(), commit)
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	assert.Contains(t, err.Error(), "SHA-256")
	_, _, err = checkOutTo(t, r.Serve(), commit[:40])
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	assert.Contains(t, errs.HintOf(err), "SHA-1")
}

func TestAFolderThatIsNotEmptyIsLeftAlone(t *testing.T) {
	r := anyCommit(gittest.New(t))
	commits := sixty(r)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644))
	_, err := CheckOut(t.Context(), Options{URL: r.Serve(), Commit: commits[0], Dir: dir, AllowLocal: true})
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestAnEmptyFolderSuchAsAMountedVolumeIsFilled(t *testing.T) {
	r := anyCommit(gittest.New(t))
	commits := sixty(r)
	dir := t.TempDir()
	_, err := CheckOut(t.Context(), Options{URL: r.Serve(), Commit: commits[9], Dir: dir, AllowLocal: true})
	require.NoError(t, err)
	assert.Empty(t, git(t, dir, "status", "--porcelain"))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 5, "four of the commit and .git")
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	if os.Getuid() == 0 {
		file := filepath.Join(t.TempDir(), "file") // root may write anywhere, but not below a file
		require.NoError(t, os.WriteFile(file, nil, 0o644))
		_, err := CheckOut(t.Context(), Options{URL: "/nowhere", Commit: strings.Repeat("ab", 20), Dir: filepath.Join(file, "x"), AllowLocal: true})
		assertInvalidNaming(t, err, file)
		return
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o555))
	_, err := CheckOut(t.Context(), Options{URL: "/nowhere", Commit: strings.Repeat("ab", 20), Dir: filepath.Join(dir, "x"), AllowLocal: true})
	assertInvalidNaming(t, err, dir)
}

func assertInvalidNaming(t *testing.T, err error, path string) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	assert.Contains(t, err.Error(), path)
}
