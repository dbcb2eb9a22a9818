package gittest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Shape is one layout of a repository, at its second commit, one after its tag v1.0.0.
type Shape struct {
	Dir     string // its top folder
	Shallow bool   // the repository lacks the commit's history
}

// Shapes makes one small repository in many layouts, by name. The file
// svc/file contains "second".
func Shapes(t testing.TB) map[string]Shape {
	t.Helper()
	base := New(t)
	base.Write("svc/file", "first")
	base.Commit("first")
	base.Git("tag", "-a", "v1.0.0", "-m", "release")
	base.Write("svc/file", "second")
	base.Commit("second")
	base.Git("config", "uploadpack.allowFilter", "true")
	room := t.TempDir()
	s := shaper{t: t, base: base, room: room, made: map[string]Shape{"an ordinary repository": {Dir: base.Dir}}}
	s.linked()
	s.cloned()
	s.extended()
	for _, name := range []string{"with space", "pct%20", "hash#1", "what?x=y", "ümläut 日本", `quo"te'd`, "$HOME", "{{workflow.name}}", "semi;colon"} {
		s.copy("in the folder "+name, name)
	}
	return s.made
}

type shaper struct {
	t    testing.TB
	base *Repository
	room string
	made map[string]Shape
}

func (s shaper) at(folder string) string { return filepath.Join(s.room, folder) }

// git runs git in a folder below s.room.
func (s shaper) git(folder string, args ...string) {
	s.t.Helper()
	(&Repository{Dir: s.at(folder), t: s.t}).Git(append([]string{"-c", "protocol.file.allow=always"}, args...)...)
}

// copy makes a shape of a copy, changed by git commands.
func (s shaper) copy(name, folder string, commands ...[]string) {
	s.t.Helper()
	require.NoError(s.t, os.CopyFS(s.at(folder), os.DirFS(s.base.Dir)))
	for _, args := range commands {
		s.git(folder, args...)
	}
	s.made[name] = Shape{Dir: s.at(folder)}
}

func (s shaper) clone(name, folder string, args ...string) {
	s.t.Helper()
	s.git("", append(append([]string{"clone", "-q"}, args...), folder)...)
	s.made[name] = Shape{Dir: s.at(folder)}
}

// linked makes work trees whose repository is in another folder.
func (s shaper) linked() {
	s.t.Helper()
	s.copy("with a linked work tree", "linked", []string{"worktree", "add", "-q", "-b", "feature", "../tree"}, []string{"worktree", "add", "-q", "--detach", "../detached"})
	s.made["a linked work tree"] = Shape{Dir: s.at("tree")}
	s.made["a detached work tree"] = Shape{Dir: s.at("detached")}

	s.copy("with a work tree by relative paths", "relative", []string{"worktree", "add", "-q", "-b", "feature", "../near"},
		[]string{"config", "core.repositoryFormatVersion", "1"}, []string{"config", "extensions.relativeWorktrees", "true"})
	s.write("near/.git", "gitdir: ../relative/.git/worktrees/near\n")
	s.made["a work tree by relative paths"] = Shape{Dir: s.at("near")}

	s.git("", "clone", "-q", "--bare", s.base.Dir, "bare.git")
	s.git("bare.git", "worktree", "add", "-q", "../ofbare", "main")
	s.made["a work tree of a bare repository"] = Shape{Dir: s.at("ofbare")}
	s.clone("with its repository elsewhere", "files", "--separate-git-dir="+s.at("elsewhere"), s.base.Dir)

	s.git("", "init", "-q", "super")
	s.git("super", "submodule", "--quiet", "add", s.base.Dir, "sub")
	s.made["a submodule"] = Shape{Dir: s.at("super/sub")}
}

// cloned makes clones that lack objects or borrow them.
func (s shaper) cloned() {
	s.t.Helper()
	s.clone("a shared clone", "shared", "--shared", s.base.Dir)
	s.clone("a shared clone of a shared clone", "sharedtwice", "--shared", s.at("shared"))
	s.clone("a shared clone by a relative path", "sharednear", "--shared", s.at("shared"))
	s.write("sharednear/.git/objects/info/alternates", "# near\n../../../shared/.git/objects\n")
	s.clone("a clone with a reference", "reference", "--reference", s.base.Dir, "file://"+s.base.Dir)
	s.clone("a partial clone", "partial", "--filter=blob:none", "file://"+s.base.Dir)
	s.clone("a sparse clone", "sparse", "--sparse", "file://"+s.base.Dir)
	s.git("sparse", "sparse-checkout", "set", "nothing")
	s.clone("a shallow clone", "shallow", "--depth=1", "file://"+s.base.Dir)
	s.made["a shallow clone"] = Shape{Dir: s.at("shallow"), Shallow: true}
	s.git("shallow", "worktree", "add", "-q", "-b", "feature", "../shallowtree")
	s.made["a work tree of a shallow clone"] = Shape{Dir: s.at("shallowtree"), Shallow: true}
	s.copy("with everything packed", "packed", []string{"gc", "-q"}, []string{"pack-refs", "--all"})
}

// extended makes repositories that declare extensions of git's format.
func (s shaper) extended() {
	s.t.Helper()
	for _, extension := range []string{"refStorage=files", "preciousObjects=true", "worktreeConfig=true", "noop=true", "objectFormat=sha1", "ofTheFuture=1"} {
		name, value, _ := strings.Cut(extension, "=")
		s.copy("with the extension "+extension, "extension-"+name)
		config := filepath.Join(s.at("extension-"+name), ".git", "config")
		old, err := os.ReadFile(config)
		require.NoError(s.t, err)
		text := strings.Replace(string(old), "repositoryformatversion = 0", "repositoryformatversion = 1", 1)
		require.NoError(s.t, os.WriteFile(config, []byte(text+"[extensions]\n\t"+name+" = "+value+"\n"), 0o644))
	}
}

func (s shaper) write(file, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(s.at(file), []byte(text), 0o644))
}
