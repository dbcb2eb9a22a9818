package checkout

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// partsOf checks out a commit with its parts.
func partsOf(t *testing.T, url, commit string, want Parts, change ...func(*Options)) (done Checkout, dir, progress string, err error) {
	t.Helper()
	var out bytes.Buffer
	o := Options{URL: url, Commit: commit, Dir: filepath.Join(t.TempDir(), "workspace"), AllowLocal: true, Progress: &out, retryPause: time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	done, err = CheckOut(t.Context(), o)
	require.NoError(t, err)
	done, err = FetchParts(t.Context(), o, done, want)
	return done, o.Dir, out.String(), err
}

// gitlink commits a submodule at path with a .gitmodules of that text.
func gitlink(r *gittest.Repository, path, commit, modules string) string {
	r.Write(".gitmodules", modules)
	r.Git("add", ".gitmodules")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+commit+","+path)
	r.Git("commit", "-q", "-m", "submodule")
	return r.Git("rev-parse", "HEAD")
}

func module(path, url string) string {
	return fmt.Sprintf("[submodule \"%s\"]\n\tpath = %s\n\turl = %s\n", path, path, url)
}

// hosting serves the repositories by their names on one host, and keeps who asked with a token.
func hosting(t *testing.T, repositories map[string]*gittest.Repository) (url string, withToken *sync.Map) {
	t.Helper()
	handlers := map[string]http.Handler{}
	for name, r := range repositories {
		handler, err := gittest.Handler(r.Dir)
		require.NoError(t, err)
		handlers[name] = http.StripPrefix("/"+name, handler)
	}
	withToken = &sync.Map{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		name := strings.Split(q.URL.Path, "/")[1]
		_, password, _ := q.BasicAuth()
		withToken.Store(name, password)
		if handlers[name] == nil {
			http.NotFound(w, q)
			return
		}
		handlers[name].ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	return server.URL, withToken
}

func TestSubmodulesAreCheckedOutAtTheirCommitsWithTheirs(t *testing.T) {
	inner, middle, top := anyCommit(gittest.New(t)), anyCommit(gittest.New(t)), anyCommit(gittest.New(t))
	inner.Write("inner.txt", "old")
	old := inner.Commit("old")
	inner.Write("inner.txt", "new")
	inner.Commit("new")
	middle.Write("middle.txt", "middle")
	middle.Commit("files")
	middleCommit := gitlink(middle, "deep/inner", old, module("deep/inner", "../../inner/.git"))
	url, asked := hosting(t, map[string]*gittest.Repository{"inner": inner, "middle": middle, "top": top})
	commit := gitlink(top, "lib", middleCommit, module("lib", url+"/middle/.git"))

	host := strings.TrimPrefix(url, "http://")
	done, dir, progress, err := partsOf(t, url+"/top/.git", commit, Parts{Submodules: true}, func(o *Options) { o.Token, o.Host = "t0ken", host })
	require.NoError(t, err)
	for name, content := range map[string]string{"lib/middle.txt": "middle", "lib/deep/inner/inner.txt": "old"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, content, string(got), name)
	}
	assert.Empty(t, done.Submodules)
	assert.NotContains(t, progress, "are not fetched")
	assert.Equal(t, 4, done.Files, "two .gitmodules, two files")
	assert.Equal(t, "", git(t, dir, "status", "--porcelain"))
	assert.Equal(t, old, git(t, filepath.Join(dir, "lib/deep/inner"), "rev-parse", "HEAD"))
	for _, name := range []string{"inner", "middle", "top"} {
		token, _ := asked.Load(name)
		assert.Equal(t, "t0ken", token, "%s is on the repository's host", name)
	}
}

func TestASubmoduleOfAnotherHostNeedsToBeAllowedAndGetsNoToken(t *testing.T) {
	p := &parts{want: Parts{Hosts: []string{"gitlab.com", "git.example.com:8443"}}}
	o := Options{URL: "https://github.com/o/r.git", Token: "t0ken"}.withDefaults()
	around, err := parseAddress(o)
	require.NoError(t, err)
	for url, want := range map[string]struct{ url, host, token string }{
		"https://github.com/o/lib":           {"https://github.com/o/lib", "github.com", "t0ken"},
		"git@github.com:o/lib.git":           {"https://github.com/o/lib.git", "github.com", "t0ken"},
		"ssh://git@github.com/o/lib.git":     {"https://github.com/o/lib.git", "github.com", "t0ken"},
		"../lib.git":                         {"https://github.com/o/lib.git", "github.com", "t0ken"},
		"../../p/lib.git":                    {"https://github.com/p/lib.git", "github.com", "t0ken"},
		"../../../../../p/lib.git":           {"https://github.com/p/lib.git", "github.com", "t0ken"},
		"./lib.git":                          {"https://github.com/o/r.git/lib.git", "github.com", "t0ken"},
		"https://gitlab.com/o/lib":           {"https://gitlab.com/o/lib", "gitlab.com", ""},
		"git@gitlab.com:o/lib.git":           {"https://gitlab.com/o/lib.git", "gitlab.com", ""},
		"https://git.example.com:8443/o/lib": {"https://git.example.com:8443/o/lib", "git.example.com:8443", ""},
	} {
		m := modulesFrom(t, module("lib", url))[0]
		got, err := p.optionsFor(o, around, m)
		require.NoError(t, err, url)
		assert.Equal(t, want, struct{ url, host, token string }{got.URL, got.Host, got.Token}, url)
		a, err := parseAddress(got)
		require.NoError(t, err)
		assert.Equal(t, want.token, a.token, "what is sent to %s", url)
	}
	for _, url := range []string{
		"https://evil.example/o/lib", "https://git.example.com/o/lib", "https://github.com.evil.example/o/lib", "http://github.com/o/lib", "http://gitlab.com/o/lib",
		"ext::sh -c touch% /tmp/owned", "file:///etc", "/etc", "-u", "https://x:y@github.com/o/lib", "https://x@gitlab.com/o/lib", "git@evil.example:o/lib.git",
		"https://169.254.169.254/latest", "https://github.com", "",
	} {
		m := modulesFrom(t, module("lib", "x"))[0]
		m.URL = url
		_, err := p.optionsFor(o, around, m)
		require.Error(t, err, url)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "%s: %v", url, err)
	}
	_, err = p.optionsFor(o, around, modulesFrom(t, module("lib", "https://evil.example/o/lib"))[0])
	assert.Contains(t, errs.HintOf(err), "checkout.submoduleHosts")
}

func TestAHostileSubmoduleIsRefused(t *testing.T) {
	sub, top := anyCommit(gittest.New(t)), anyCommit(gittest.New(t))
	sub.Write("file", "content")
	commit := sub.Commit("one")
	url, _ := hosting(t, map[string]*gittest.Repository{"sub": sub, "top": top})
	for name, c := range map[string]struct{ path, modules, message string }{
		"no entry":           {"lib", module("other", url+"/sub/.git"), "no entry in .gitmodules"},
		"no file":            {"lib", "", "no entry in .gitmodules"},
		"a name that leaves": {"lib", "[submodule \"../../x\"]\n\tpath = lib\n\turl = " + url + "/sub/.git\n", "lib"},
		"a missing commit":   {"gone", module("gone", url+"/sub/.git"), `submodule "gone"`},
		"another protocol":   {"lib", module("lib", "ext::sh -c touch% /tmp/owned"), "cannot fetch"},
		"a local folder":     {"lib", module("lib", "file://"+sub.Dir), "a folder of this machine"},
		"a path":             {"lib", module("lib", sub.Dir), "a folder of this machine"},
		"not a file of git":  {"lib", "[submodule \"", ".gitmodules"},
	} {
		t.Run(name, func(t *testing.T) {
			linked := commit
			if name == "a missing commit" {
				linked = strings.Repeat("ab", 20)
			}
			at := gitlink(top, c.path, linked, c.modules)
			_, dir, _, err := partsOf(t, url+"/top/.git", at, Parts{Submodules: true})
			top.Git("rm", "-q", "--cached", c.path)
			require.ErrorContains(t, err, c.message)
			assert.Equal(t, errs.Invalid, errs.KindOf(err), err)
			entries, err := os.ReadDir(filepath.Join(dir, c.path))
			require.NoError(t, err)
			assert.Empty(t, entries, "nothing is left")
		})
	}
}

// A repository that has itself as its submodule would never end.
func TestSubmodulesInsideEachOtherEnd(t *testing.T) {
	r := anyCommit(gittest.New(t))
	url, _ := hosting(t, map[string]*gittest.Repository{"r": r})
	r.Write("file", "x")
	commit := r.Commit("first")
	for range maxNested + 1 {
		commit = gitlink(r, "again", commit, module("again", url+"/r/.git"))
	}
	_, _, _, err := partsOf(t, url+"/r/.git", commit, Parts{Submodules: true})
	require.ErrorContains(t, err, "inside each other")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestSubmodulesShareTheBudgetOfTheCheckout(t *testing.T) {
	sub, top := anyCommit(gittest.New(t)), anyCommit(gittest.New(t))
	sub.Write("file", strings.Repeat("x", 600))
	linked := sub.Commit("one")
	url, _ := hosting(t, map[string]*gittest.Repository{"sub": sub, "top": top})
	top.Write("file", strings.Repeat("y", 600))
	top.Commit("one")
	commit := gitlink(top, "lib", linked, module("lib", url+"/sub/.git"))
	small := func(o *Options) { o.Budget = limits.Budget{Bytes: 1000} }
	_, _, _, err := partsOf(t, url+"/top/.git", commit, Parts{}, small)
	require.NoError(t, err)
	_, _, _, err = partsOf(t, url+"/top/.git", commit, Parts{Submodules: true}, small)
	require.ErrorContains(t, err, "cannot be checked out")
}

func TestALocalRepositoryIsAskedForItsCopiesOfSubmodulesAlone(t *testing.T) {
	sub, top := gittest.New(t), gittest.New(t)
	sub.Write("file", "content")
	sub.Commit("one")
	top.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.Dir, "lib")
	commit := top.Commit("two")
	done, dir, _, err := partsOf(t, top.Dir, commit, Parts{Submodules: true})
	require.NoError(t, err)
	assert.Empty(t, done.Submodules)
	content, err := os.ReadFile(filepath.Join(dir, "lib", "file"))
	require.NoError(t, err)
	assert.Equal(t, "content", string(content))

	require.NoError(t, os.RemoveAll(filepath.Join(top.Dir, ".git", "modules")))
	done, _, progress, err := partsOf(t, top.Dir, commit, Parts{Submodules: true})
	require.NoError(t, err)
	assert.Len(t, done.Submodules, 1)
	assert.Contains(t, progress, "git submodule update --init")
}

// withLFS makes a repository with pointers in the paths of files, served with Git LFS.
func withLFS(t *testing.T, server *gittest.LFS, files map[string]string) (url, commit string) {
	t.Helper()
	r := anyCommit(gittest.New(t))
	for name, content := range files {
		r.Write(name, server.Add(content))
	}
	require.NoError(t, os.Chmod(filepath.Join(r.Dir, "tool.bin"), 0o755))
	r.Write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
	commit = r.Commit("pointers")
	handler, err := gittest.Handler(r.Dir)
	require.NoError(t, err)
	host := httptest.NewServer(server.Around("/.git", handler))
	t.Cleanup(host.Close)
	return host.URL + "/.git", commit
}

func TestFilesInLFSAreFetchedAndVerified(t *testing.T) {
	server := &gittest.LFS{Fail: 1}
	files := map[string]string{"tool.bin": "#!/bin/sh\n", "deep/er/film.bin": strings.Repeat("film", 100_000), "copy.bin": "#!/bin/sh\n"}
	for i := range 150 {
		files[fmt.Sprintf("many/%d.bin", i)] = fmt.Sprint("content ", i)
	}
	url, commit := withLFS(t, server, files)
	done, dir, progress, err := partsOf(t, url, commit, Parts{LFS: true})
	require.NoError(t, err)
	for name, content := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, content, string(got), name)
	}
	assert.Empty(t, done.Pointers)
	assert.NotContains(t, progress, "stay pointers")
	assert.Equal(t, 2, server.Batches, "152 objects, of which 100 fit into a request")
	info, err := os.Stat(filepath.Join(dir, "tool.bin"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	assert.Equal(t, "", git(t, dir, "status", "--porcelain"), "as after a checkout by git-lfs")
	left, err := filepath.Glob(filepath.Join(dir, ".git", "lfs-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestWhatIsNotTheFileOfAPointerIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		alter   func(*gittest.LFS, string)
		message string
		kind    errs.Kind
	}{
		"other bytes": {func(l *gittest.LFS, p string) { l.Alter(p, "wrong content") }, "not that of its pointer", errs.Temporary},
		"more bytes":  {func(l *gittest.LFS, p string) { l.Alter(p, "right content and more") }, "not that of its pointer", errs.Temporary},
		"fewer bytes": {func(l *gittest.LFS, p string) { l.Alter(p, "right") }, "not that of its pointer", errs.Temporary},
		"no object":   {func(l *gittest.LFS, p string) { l.Alter(p, "") }, `does not have "tool.bin"`, errs.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			server := &gittest.LFS{}
			url, commit := withLFS(t, server, map[string]string{"tool.bin": "right content"})
			c.alter(server, server.Add("right content"))
			if name == "no object" {
				c.alter(server, server.Add("right content"))
			}
			_, dir, _, err := partsOf(t, url, commit, Parts{LFS: true})
			require.ErrorContains(t, err, c.message)
			assert.Equal(t, c.kind, errs.KindOf(err))
			got, err := os.ReadFile(filepath.Join(dir, "tool.bin"))
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(got), pointerStart), "the file is as it was")
		})
	}
}

func TestFilesInLFSTakeFromTheBudget(t *testing.T) {
	server := &gittest.LFS{}
	url, commit := withLFS(t, server, map[string]string{"tool.bin": strings.Repeat("x", 5000)})
	_, _, _, err := partsOf(t, url, commit, Parts{LFS: true}, func(o *Options) { o.Budget.Bytes = 4000 })
	require.ErrorContains(t, err, "cannot be checked out")
	assert.Zero(t, server.Batches, "nothing is asked for")
}

// TestSizesOfPointersThatOverflowTogetherAreRefused has so many pointers that the sum of
// their sizes is zero, in 64 bits.
func TestSizesOfPointersThatOverflowTogetherAreRefused(t *testing.T) {
	dir := t.TempDir()
	done := Checkout{Dir: dir}
	for i := range 64 {
		name := fmt.Sprintf("%d.bin", i)
		text := pointerStart + "oid sha256:" + strings.Repeat("0a", 32) + fmt.Sprintf("\nsize %d\n", 1<<58)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		done.Pointers = append(done.Pointers, name)
	}
	o := Options{URL: "https://127.0.0.1:1/owner/shop", Host: "127.0.0.1:1", Limit: time.Minute}.withDefaults()
	a, err := parseAddress(o)
	require.NoError(t, err)
	_, err = fetchLFS(t.Context(), o, a, done)
	require.ErrorIs(t, err, limits.ErrExceeded)
}

func TestTheAnswerOfAnLFSServerLeadsNowhereElse(t *testing.T) {
	o := Options{AllowLocal: false}
	for address, may := range map[string]bool{
		"https://storage.example/o": true, "http://storage.example/o": false, "http://127.0.0.1/o": false, "file:///etc/passwd": false,
		"https://user:pass@storage.example/o": false, "//storage.example/o": false, "https:///o": false,
	} {
		request, err := http.NewRequest(http.MethodGet, address, nil)
		require.NoError(t, err)
		assert.Equal(t, may, o.mayDownload(request.URL), address)
		assert.Equal(t, may, o.followLFS(request, nil) == nil, address)
	}
}

func TestALocalRepositoryIsAskedForItsFilesInLFSAlone(t *testing.T) {
	server := &gittest.LFS{}
	r := gittest.New(t)
	pointer := server.Add("content")
	r.Write("a.bin", pointer)
	r.Write("b.bin", server.Add("missing"))
	commit := r.Commit("pointers")
	id := strings.TrimPrefix(strings.Split(pointer, "\n")[1], "oid sha256:")
	r.Write(filepath.Join(".git/lfs/objects", id[:2], id[2:4], id), "content")
	done, dir, progress, err := partsOf(t, r.Dir, commit, Parts{LFS: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"b.bin"}, done.Pointers)
	assert.Contains(t, progress, "git lfs pull")
	got, err := os.ReadFile(filepath.Join(dir, "a.bin"))
	require.NoError(t, err)
	assert.Equal(t, "content", string(got))
}

// The server of these tests serves git-lfs itself, where that is installed.
func TestTheLFSServerOfTheTestsServesGitLFS(t *testing.T) {
	if _, err := exec.LookPath("git-lfs"); err != nil {
		t.Skip("git-lfs is not installed")
	}
	server := &gittest.LFS{}
	url, _ := withLFS(t, server, map[string]string{"tool.bin": "content"})
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, t.TempDir(), "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.required=true", "clone", "-q", url, dir)
	got, err := os.ReadFile(filepath.Join(dir, "tool.bin"))
	require.NoError(t, err)
	assert.Equal(t, "content", string(got))
}

func modulesFrom(t *testing.T, text string) []*config.Submodule {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".gitmodules"), []byte(text), 0o600))
	modules, err := modulesOf(dir)
	require.NoError(t, err)
	return modules
}
