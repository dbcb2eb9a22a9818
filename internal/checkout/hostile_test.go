package checkout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// tree stores a tree object of raw bytes, valid or not.
func tree(r *gittest.Repository, entries ...string) string {
	r.Write(".raw", strings.Join(entries, ""))
	defer os.Remove(filepath.Join(r.Dir, ".raw"))
	return r.Git("hash-object", "-w", "-t", "tree", "--literally", ".raw")
}

func rawEntry(mode, name, hash string) string {
	var raw bytes.Buffer
	for i := 0; i < len(hash); i += 2 {
		var b byte
		fmt.Sscanf(hash[i:i+2], "%02x", &b)
		raw.WriteByte(b)
	}
	return mode + " " + name + "\x00" + raw.String()
}

func TestHostileCommitsAreRefusedAndNothingIsWritten(t *testing.T) {
	cases := map[string]func(r *gittest.Repository, blob, folder string) string{
		"a folder .git": func(r *gittest.Repository, _, folder string) string {
			return tree(r, rawEntry("40000", ".git", folder))
		},
		"a file .GIT": func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("100644", ".GIT", blob)) },
		"a link .git": func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("120000", ".git", blob)) },
		"NTFS's git~1": func(r *gittest.Repository, _, folder string) string {
			return tree(r, rawEntry("40000", "git~1", folder))
		},
		"the parent folder": func(r *gittest.Repository, _, folder string) string { return tree(r, rawEntry("40000", "..", folder)) },
		"a path as a name":  func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("100644", "../out", blob)) },
		"an absolute path": func(r *gittest.Repository, blob, _ string) string {
			return tree(r, rawEntry("100644", "/tmp/out", blob))
		},
		"no name":         func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("100644", "", blob)) },
		"an unknown mode": func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("104755", "suid", blob)) },
		"a device":        func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("60000", "sda", blob)) },
		"half an entry":   func(r *gittest.Repository, blob, _ string) string { return tree(r, rawEntry("100644", "a", blob)[:20]) },
		"no modes":        func(r *gittest.Repository, _, _ string) string { return tree(r, "nonsense") },
		"a link into .git": func(r *gittest.Repository, _, _ string) string {
			return tree(r, rawEntry("120000", "l", r.Blob(".git/hooks")))
		},
		"a link without a target": func(r *gittest.Repository, _, _ string) string { return tree(r, rawEntry("120000", "l", r.Blob(""))) },
		"a file behind a link": func(r *gittest.Repository, _, folder string) string {
			return tree(r, rawEntry("120000", "a", r.Blob("/tmp")), rawEntry("40000", "a", folder))
		},
		"one name twice": func(r *gittest.Repository, blob, _ string) string {
			return tree(r, rawEntry("100644", "a", blob), rawEntry("100644", "a", blob))
		},
		"a folder as a file": func(r *gittest.Repository, _, folder string) string { return tree(r, rawEntry("100644", "a", folder)) },
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			r := gittest.New(t)
			blob := r.Blob("echo owned")
			commit := r.CommitObject(make(r, blob, r.GitInput("100644 blob "+blob+"\tpayload\n", "mktree")))
			for _, url := range []string{r.Serve(), r.Dir} {
				_, _, err := checkOutTo(t, url, commit)
				require.Error(t, err)
				assert.NotEqual(t, errs.Temporary, errs.KindOf(err), err)
			}
		})
	}
}

func TestAFewObjectsThatUnpackToVeryManyFilesAreRefused(t *testing.T) {
	r := gittest.New(t)
	level := r.GitInput("100644 blob "+r.Blob("x")+"\tf\n", "mktree")
	for range 40 {
		level = r.GitInput("040000 tree "+level+"\ta\n040000 tree "+level+"\tb\n", "mktree")
	}
	_, err := CheckOut(t.Context(), Options{
		URL: r.Dir, Commit: r.CommitObject(level), Dir: filepath.Join(t.TempDir(), "w"), AllowLocal: true, Budget: limits.Budget{Entries: 1000},
	})
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	assert.Contains(t, err.Error(), "more than 1000 files")
}

// worked is the time that the processors have worked for this process: what a test
// on a busy machine can rely on.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestASmallRepositoryThatBecomesTwoGigabytesIsRefusedAtOnce is T19: one file of 10 MB, 200 times.
func TestASmallRepositoryThatBecomesTwoGigabytesIsRefusedAtOnce(t *testing.T) {
	r := gittest.New(t)
	blob := r.Blob(strings.Repeat("\x00", 10<<20))
	var files, folders strings.Builder
	for i := range 20 {
		fmt.Fprintf(&files, "100644 blob %s\tf%02d\n", blob, i)
	}
	folder := r.GitInput(files.String(), "mktree")
	for i := range 10 {
		fmt.Fprintf(&folders, "040000 tree %s\td%02d\n", folder, i)
	}
	commit := r.CommitObject(r.GitInput(folders.String(), "mktree"))
	url := r.Serve()
	began, peak := worked(t), watchMemory(t)
	_, _, err := checkOutTo(t, url, commit)
	took, memory := worked(t)-began, peak()
	require.ErrorIs(t, err, limits.ErrExceeded)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "another try would not help: %s", err)
	assert.Contains(t, err.Error(), "more than 128 MiB")
	assert.Contains(t, errs.HintOf(err), "200 times its size")
	assert.Less(t, took, 2*time.Second)
	assert.Less(t, memory, uint64(48<<20))

	done, _, err := checkOutTo(t, url, commit, func(o *Options) { o.Budget.Free = 3 << 30; o.Limit = time.Minute; o.Budget.Bytes = 1 << 20 })
	require.ErrorIs(t, err, limits.ErrExceeded, "the bytes of all files count, too")
	assert.Zero(t, done.Files)
}

func TestTooManyLevelsOfFoldersAreRefused(t *testing.T) {
	r := gittest.New(t)
	level := r.GitInput("100644 blob "+r.Blob("x")+"\tf\n", "mktree")
	for range 300 {
		level = r.GitInput("040000 tree "+level+"\ta\n", "mktree")
	}
	_, _, err := checkOutTo(t, r.Serve(), r.CommitObject(level))
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
}

func TestSubmodulesStayEmptyAndTheirURLIsNotRead(t *testing.T) {
	r := anyCommit(gittest.New(t))
	r.Write(".gitmodules", "[submodule \"x\"]\n\tpath = \"sub\r\"\n\turl = ext::sh -c touch% /tmp/owned\n")
	r.Git("add", ".gitmodules")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("ab", 20)+",sub\r")
	r.Git("commit", "-q", "-m", "submodule")
	done, dir, progress, err := partsOf(t, r.Serve(), r.Git("rev-parse", "HEAD"), Parts{})
	require.NoError(t, err)
	assert.Equal(t, []Submodule{{Path: "sub\r", Commit: strings.Repeat("ab", 20)}}, done.Submodules)
	assert.Contains(t, progress, "submodules are not fetched")
	assert.DirExists(t, filepath.Join(dir, "sub\r"))
	assert.Equal(t, "", git(t, dir, "status", "--porcelain"))
}

func TestFilesInLFSStayPointersAndAreNamed(t *testing.T) {
	r := anyCommit(gittest.New(t))
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("ab", 32) + "\nsize 5\n"
	for _, name := range []string{"x.bin", "deep/er/y.bin"} {
		r.Write(name, pointer)
	}
	r.Write("deep/.gitattributes", "*.bin filter=lfs\n")
	r.Write("docs/about.md", "A pointer begins so:\n"+pointer)
	r.Write("docs/long", pointer+strings.Repeat("x", 1024))
	r.Write("docs/short", pointer[:20])
	commit := r.Commit("pointers")
	for _, url := range []string{r.Serve(), r.Dir} {
		done, dir, progress, err := partsOf(t, url, commit, Parts{})
		require.NoError(t, err)
		assert.Equal(t, []string{"deep/er/y.bin", "x.bin"}, done.Pointers)
		assert.Contains(t, progress, `these stay pointers: "deep/er/y.bin", "x.bin" (`)
		got, err := os.ReadFile(filepath.Join(dir, "x.bin"))
		require.NoError(t, err)
		assert.Equal(t, pointer, string(got))
	}
}

func TestNoHookOfTheRepositoryRuns(t *testing.T) {
	r := anyCommit(gittest.New(t))
	owned := filepath.Join(t.TempDir(), "owned")
	for _, hook := range []string{"post-checkout", "post-merge", "reference-transaction"} {
		r.Write("hooks/"+hook, "#!/bin/sh\ntouch "+owned+"\n")
	}
	commit := r.Commit("hooks")
	for _, hook := range []string{"post-checkout", "post-merge", "reference-transaction"} {
		r.Write(".git/hooks/"+hook, "#!/bin/sh\ntouch "+owned+"\n")
		require.NoError(t, os.Chmod(filepath.Join(r.Dir, ".git/hooks", hook), 0o755))
	}
	r.Git("checkout", "--quiet", "-b", "other")
	require.FileExists(t, owned, "the program git runs it")
	require.NoError(t, os.Remove(owned))
	for _, url := range []string{r.Serve(), r.Dir} {
		_, dir, err := checkOutTo(t, url, commit)
		require.NoError(t, err)
		assert.NoFileExists(t, owned)
		assert.NoDirExists(t, filepath.Join(dir, ".git/hooks"))
	}
}

func TestLinksAreKeptAsTheyAre(t *testing.T) {
	r := anyCommit(gittest.New(t))
	require.NoError(t, os.Symlink("../outside", filepath.Join(r.Dir, "up")))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(r.Dir, "absolute")))
	commit := r.Commit("links")
	_, dir, err := checkOutTo(t, r.Serve(), commit)
	require.NoError(t, err)
	for name, want := range map[string]string{"up": "../outside", "absolute": "/etc/hostname"} {
		target, err := os.Readlink(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, want, target)
	}
}
