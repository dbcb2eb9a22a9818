package repository

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/config"
)

// ErrNone reports that a folder is not in a repository.
var ErrNone = errors.New("it is not a git repository")

// Repository holds the paths of a repository. All are absolute.
type Repository struct {
	Top    string // the folder with the files; of a bare repository the repository itself
	GitDir string // HEAD and the index of this work tree
	Common string // objects, references and configuration, shared by all work trees
}

// At returns the repository at dir, its top folder or a bare repository. The error wraps
// ErrNone if there is none.
func At(dir string) (Repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Repository{}, fmt.Errorf("finding the folder %q: %w", dir, err)
	}
	gitDir := filepath.Join(dir, ".git")
	switch info, err := os.Stat(gitDir); {
	case errors.Is(err, fs.ErrNotExist):
		gitDir = dir
	case err != nil:
		return Repository{}, fmt.Errorf("searching for a repository in %q: %w", dir, err)
	case !info.IsDir():
		if gitDir, err = linked(gitDir); err != nil {
			return Repository{}, err
		}
	}
	r := Repository{Top: dir, GitDir: gitDir, Common: commonOf(gitDir)}
	parts := []string{filepath.Join(gitDir, "HEAD")}
	if gitDir == dir { // any folder may contain a file of that name
		parts = append(parts, filepath.Join(dir, "objects"), filepath.Join(dir, "refs"))
	}
	for _, part := range parts {
		if _, err := os.Stat(part); err != nil {
			return Repository{}, fmt.Errorf("%q: %w: %w", dir, ErrNone, err)
		}
	}
	return r, nil
}

// Around returns the repository that contains dir: the nearest one upwards.
func Around(dir string) (Repository, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return Repository{}, fmt.Errorf("finding the folder %q: %w", dir, err)
	}
	for at := start; ; at = filepath.Dir(at) {
		r, err := At(at)
		if err == nil {
			return r, nil
		}
		if _, missing := os.Lstat(filepath.Join(at, ".git")); missing == nil {
			return Repository{}, err // a dangling .git ends the search, as in git
		}
		if at == filepath.Dir(at) {
			return Repository{}, fmt.Errorf("%q: %w", start, ErrNone)
		}
	}
}

// linked reads the file that replaces a .git folder: "gitdir: <path>".
func linked(file string) (string, error) {
	path, found := strings.CutPrefix(firstLine(file), "gitdir: ")
	if !found {
		return "", fmt.Errorf("%q: %w: the file has no line \"gitdir: …\"", file, ErrNone)
	}
	return absolute(filepath.Dir(file), path), nil
}

// commonOf returns the folder that a work tree shares with the others.
func commonOf(gitDir string) string {
	if shared := firstLine(filepath.Join(gitDir, "commondir")); shared != "" {
		return absolute(gitDir, shared)
	}
	return gitDir
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// firstLine returns the first line of a small file, and "" for a missing one.
func firstLine(file string) string {
	line, _, _ := strings.Cut(text(file), "\n")
	return strings.TrimRight(line, "\r")
}

// maxText is the most that is read of git's small files, in bytes.
const maxText = 4 << 20

// text returns the content of a regular file, and "" for one that cannot be read.
func text(file string) string {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return "" // reading a pipe could block forever
	}
	opened, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, maxText))
	if err != nil {
		return ""
	}
	return string(content)
}

// Settings reads the configuration of the repository. It does not read included files,
// nor those of the user and the machine.
func (r Repository) Settings() (*config.Config, error) {
	settings, err := config.ReadConfig(strings.NewReader(text(filepath.Join(r.Common, "config"))))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of the repository %q: %w", r.Top, err)
	}
	return settings, nil
}

// MainBranch returns the default branch of the remote or, if that is not known, the
// branch that is checked out; "" if neither is a branch.
func (r Repository) MainBranch() string {
	for _, head := range []struct{ file, prefix string }{
		{filepath.Join(r.Common, "refs", "remotes", "origin", "HEAD"), "ref: refs/remotes/origin/"},
		{filepath.Join(r.GitDir, "HEAD"), "ref: refs/heads/"},
	} {
		if branch, found := strings.CutPrefix(strings.TrimSpace(firstLine(head.file)), head.prefix); found {
			return branch
		}
	}
	return ""
}
