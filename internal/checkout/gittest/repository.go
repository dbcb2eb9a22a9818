package gittest

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Repository is a git repository with a working tree, made by git itself.
type Repository struct {
	Dir string
	t   testing.TB
}

// New makes an empty repository with the branch main below a temporary folder.
func New(t testing.TB, options ...string) *Repository {
	t.Helper()
	r := &Repository{Dir: filepath.Join(t.TempDir(), "repository"), t: t}
	require.NoError(t, os.Mkdir(r.Dir, 0o755))
	r.Git(append([]string{"init", "-q", "-b", "main"}, options...)...)
	r.Git("config", "user.name", "A")
	r.Git("config", "user.email", "a@example.com")
	return r
}

// Git runs git in the repository and returns its output without the last line end.
func (r *Repository) Git(args ...string) string {
	r.t.Helper()
	return r.GitInput("", args...)
}

// GitInput is Git with an input.
func (r *Repository) GitInput(input string, args ...string) string {
	r.t.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Stdin = r.Dir, strings.NewReader(input)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	require.NoError(r.t, command.Run(), "git %v: %s", args, errOut.String())
	return strings.TrimRight(out.String(), "\n")
}

// Write makes a file with its folders.
func (r *Repository) Write(name, content string) {
	r.t.Helper()
	file := filepath.Join(r.Dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(r.t, os.WriteFile(file, []byte(content), 0o644))
}

// Commit commits all changes in the working tree and returns the SHA.
func (r *Repository) Commit(message string) string {
	r.t.Helper()
	r.Git("add", "-A", "-f")
	r.Git("commit", "-q", "--allow-empty", "-m", message)
	return r.Git("rev-parse", "HEAD")
}

// CommitObject commits the tree of that name, moves main to it and returns the SHA.
func (r *Repository) CommitObject(tree string) string {
	r.t.Helper()
	commit := r.Git("commit-tree", "-m", "made by hand", tree)
	r.Git("update-ref", "refs/heads/main", commit)
	return commit
}

// Blob stores a blob and returns its name.
func (r *Repository) Blob(content string) string {
	r.t.Helper()
	return r.GitInput(content, "hash-object", "-w", "--stdin")
}

// Serve serves the repository until the test ends and returns its URL.
func (r *Repository) Serve() string {
	r.t.Helper()
	handler, err := Handler(r.Dir)
	require.NoError(r.t, err)
	server := httptest.NewServer(handler)
	r.t.Cleanup(server.Close)
	return server.URL + "/.git"
}
