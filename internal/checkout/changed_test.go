package checkout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// changedIn returns all files that differ, as those that Changed asks about.
func changedIn(t *testing.T, url, before, after string) []string {
	t.Helper()
	var all []string
	found, err := Changed(t.Context(), Options{URL: url, Branch: "main", Commit: after, AllowLocal: true}, before, func(file string) bool {
		all = append(all, file)
		return false
	})
	require.NoError(t, err)
	require.Empty(t, found)
	slices.Sort(all)
	return all
}

// history makes commits whose differences git itself says.
func history(t *testing.T, r *gittest.Repository) (commits []string) {
	t.Helper()
	commit := func(name string) {
		r.Git("add", "-A")
		commits = append(commits, r.Commit(name))
	}
	for _, file := range []string{"a", "lib/deep/x", "lib/deep/y", "lib/z", "services/api/main.go", "services/web/index.ts", "kind"} {
		r.Write(file, file)
	}
	commit("first")
	r.Write("services/web/index.ts", "changed")
	commit("one file")
	r.Write("lib/new/file", "new")
	require.NoError(t, os.Remove(filepath.Join(r.Dir, "lib/deep/x")))
	commit("added and removed")
	require.NoError(t, os.Chmod(filepath.Join(r.Dir, "a"), 0o755))
	require.NoError(t, os.Remove(filepath.Join(r.Dir, "kind")))
	r.Write("kind/of/folder", "a file became a folder")
	commit("modes")
	r.Git("mv", "services/api", "services/api2")
	commit("renamed")
	r.Git("checkout", "-q", "-b", "side", commits[0])
	r.Write("side", "x")
	commit("side")
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-edit", "side")
	return append(commits, r.Git("rev-parse", "HEAD"))
}

func TestWhatChangedIsWhatGitSaysHoweverTheServerIsSetUp(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	commits := history(t, r)
	urls := map[string]string{"on this machine": r.Dir}
	for name, settings := range map[string][2]string{"single commits": {"true", "true"}, "no filter": {"true", "false"}, "tips only": {"false", "true"}, "neither": {"false", "false"}} {
		r.Git("config", "uploadpack.allowReachableSHA1InWant", settings[0])
		r.Git("config", "uploadpack.allowFilter", settings[1])
		url := r.Serve()
		for _, before := range commits {
			assert.Equal(t, ofGit(r, before, commits[4]), changedIn(t, url, before, commits[4]), "%s: %s", name, before)
		}
	}
	for name, url := range urls {
		for _, before := range commits {
			for _, after := range commits {
				assert.Equal(t, ofGit(r, before, after), changedIn(t, url, before, after), "%s: %s %s", name, before, after)
			}
		}
	}
}

func ofGit(r *gittest.Repository, before, after string) []string {
	names := strings.FieldsFunc(r.Git("diff", "--name-only", "--no-renames", before, after), func(r rune) bool { return r == '\n' })
	slices.Sort(names)
	return slices.Clip(append([]string(nil), names...))
}

func TestTheFirstFileThatCountsEndsTheComparison(t *testing.T) {
	r := gittest.New(t)
	commits := history(t, r)
	asked := 0
	found, err := Changed(t.Context(), Options{URL: r.Dir, Commit: commits[4], AllowLocal: true}, commits[0], func(file string) bool {
		asked++
		return strings.HasPrefix(file, "services/")
	})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(found, "services/"), found)
	assert.LessOrEqual(t, asked, len(ofGit(r, commits[0], commits[4])))
}

func TestASubmoduleAtAnotherCommitIsAChange(t *testing.T) {
	r := gittest.New(t)
	r.Write("a", "a")
	first := r.Commit("first")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+first+",vendor/lib")
	r.Git("commit", "-q", "-m", "submodule")
	second := r.Git("rev-parse", "HEAD")
	r.Git("update-index", "--cacheinfo", "160000,"+second+",vendor/lib")
	r.Git("commit", "-q", "-m", "its next commit")
	assert.Equal(t, []string{"vendor/lib"}, changedIn(t, r.Dir, second, r.Git("rev-parse", "HEAD")))
}

func TestACommitThatIsGoneCannotBeComparedAndASilentServerIsTemporary(t *testing.T) {
	r := anyCommit(gittest.New(t))
	r.Write("a", "a")
	head := r.Commit("first")
	none := func(string) bool { return false }
	for _, url := range []string{r.Serve(), r.Dir} {
		_, err := Changed(t.Context(), Options{URL: url, Commit: head, AllowLocal: true}, strings.Repeat("a", 40), none)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
	}
	_, err := Changed(t.Context(), Options{URL: "http://127.0.0.1:1/x", Commit: head, AllowLocal: true}, strings.Repeat("a", 40), none)
	assert.Equal(t, errs.Temporary, errs.KindOf(err), err)
	_, err = Changed(t.Context(), Options{URL: r.Dir, Commit: head, AllowLocal: true}, "HEAD", none)
	assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
}
