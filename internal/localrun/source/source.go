// Package source opens the commit of a local run: HEAD of the repository that
// contains a folder.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Source is the commit of a local run.
type Source struct {
	Top     string // folder of the repository, absolute
	Inside  string // the given folder, relative to Top with slashes; "." is Top itself
	Commit  string // full SHA of HEAD
	Branch  string
	Subject string   // first line of the commit's message
	Author  string   // name
	Changed []string // files of the folder that differ from the commit, relative to Top

	files *object.Tree
}

// Open opens HEAD of the repository that contains dir. Its hints never suggest a
// repository inside another.
func Open(ctx context.Context, dir string) (Source, error) {
	found, err := repository.Around(dir)
	if err != nil { // git, too, searches from the target of a link
		if real, linkErr := filepath.EvalSymlinks(dir); linkErr == nil {
			if there, linkErr := repository.Around(real); linkErr == nil {
				dir, found, err = real, there, nil
			}
		}
	}
	if err != nil {
		return Source{}, noRepository(dir, err)
	}
	storage, err := found.Open(repository.Options{Cache: 32 << 20})
	var unsupported *repository.Unsupported
	if errors.As(err, &unsupported) {
		return Source{}, errs.Invalidf("%w", err).WithHint("%s", unsupported.Next)
	}
	if err != nil {
		return Source{}, noRepository(dir, err)
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return Source{}, fmt.Errorf("finding the source folder: %w", err)
	}
	inside, err := filepath.Rel(found.Top, absolute)
	if err != nil {
		return Source{}, fmt.Errorf("finding the source folder: %w", err)
	}
	branch, head, err := storage.Head()
	if err != nil {
		return Source{}, errs.Invalidf("the repository %q has no commit yet: %w", found.Top, err).
			WithHint("git add -A && git commit -m \"Start\"")
	}
	commit, err := object.GetCommit(storage, head)
	if err != nil {
		return Source{}, errs.Invalidf("reading commit %s of %q: %w", head, found.Top, err).WithHint("check the repository: git fsck")
	}
	files, err := commit.Tree()
	if err != nil {
		return Source{}, errs.Invalidf("reading the files of commit %s of %q: %w", head, found.Top, err).WithHint("check the repository: git fsck")
	}
	subject, _, _ := strings.Cut(commit.Message, "\n")
	return Source{
		Top: found.Top, Inside: filepath.ToSlash(inside), Commit: head.String(), Branch: branch,
		Subject: subject, Author: commit.Author.Name, Changed: uncommitted(ctx, found.Top), files: files,
	}, nil
}

// Head returns the commit that HEAD of the repository around a folder is.
func Head(dir string) (string, error) {
	found, err := repository.Around(dir)
	if err != nil {
		return "", noRepository(dir, err)
	}
	storage, err := found.Open(repository.Options{})
	if err != nil {
		return "", fmt.Errorf("opening the repository %q: %w", found.Top, err)
	}
	_, head, err := storage.Head()
	return head.String(), err
}

// noRepository explains that there is none, and never suggests one inside another.
func noRepository(dir string, err error) error {
	absolute, absErr := filepath.Abs(dir)
	if absErr != nil {
		return errs.Invalidf("%w", err)
	}
	if info, statErr := os.Stat(absolute); statErr != nil || !info.IsDir() {
		return errs.Invalidf("folder %q does not exist", absolute).WithHint("set --source to a folder in a git repository")
	}
	for at := absolute; ; at = filepath.Dir(at) {
		if _, statErr := os.Lstat(filepath.Join(at, ".git")); statErr == nil {
			return errs.Invalidf("the repository around %q cannot be read: %w", absolute, err).
				WithHint("git -C %q status shows the problem", at)
		}
		if at == filepath.Dir(at) {
			return errs.Invalidf("%q is not in a git repository", absolute).
				WithHint("a pipeline runs commits, so create one: git init && git add -A && git commit -m \"Start\"")
		}
	}
}

// Folder returns the given folder as an absolute path.
func (s Source) Folder() string { return filepath.Join(s.Top, filepath.FromSlash(s.Inside)) }

// Config loads the configuration of the commit and returns it with its path in the
// repository: the nearest file of that name in the given folder or above it, else
// the only one of that name in the commit.
func (s Source) Config(name string) (*config.Config, string, error) {
	file, err := s.find(filepath.ToSlash(name))
	if err != nil {
		return nil, "", err
	}
	if file.Mode == filemode.Symlink {
		return nil, "", errs.Invalidf("%s of commit %.10s cannot be used: %w", file.Name, s.Commit, config.ErrLink).
			WithHint("replace the link by the file, or pass the path of the file with -c FILE")
	}
	content, err := file.Reader()
	if err != nil {
		return nil, "", fmt.Errorf("reading %s of commit %.10s: %w", file.Name, s.Commit, err)
	}
	defer content.Close()
	text, err := config.ReadLimited(content)
	if err != nil {
		return nil, "", fmt.Errorf("reading %s of commit %.10s: %w", file.Name, s.Commit, err)
	}
	cfg, err := config.Parse(file.Name, text)
	if err != nil {
		return nil, "", errs.Invalidf("%w", err)
	}
	return cfg, file.Name, nil
}

func (s Source) find(name string) (*object.File, error) {
	if inside, err := filepath.Rel(s.Folder(), filepath.FromSlash(name)); err == nil && path.IsAbs(name) {
		name = filepath.ToSlash(inside)
	}
	if !filepath.IsLocal(filepath.FromSlash(path.Join(s.Inside, name))) {
		return nil, errs.Invalidf("%s is outside of the commit: a run reads the configuration of its commit", name).
			WithHint("pass the path of a file of the repository, relative to %s", s.Folder())
	}
	for folder := s.Inside; ; folder = path.Dir(folder) {
		if file, err := s.files.File(path.Join(folder, name)); err == nil {
			return file, nil
		}
		if folder == "." {
			break
		}
	}
	var others []string
	if name == config.File {
		var err error
		if others, err = s.named(name); err != nil {
			return nil, err
		}
	}
	missing := errs.Invalidf("commit %.10s has no %s", s.Commit, path.Join(s.Inside, name))
	switch len(others) {
	case 0:
		return nil, missing.WithHint("generator init writes one; then git add --all && git commit")
	case 1:
		return s.files.File(others[0])
	}
	return nil, missing.WithHint("the commit has several; choose one with --config: %s", strings.Join(others[:min(len(others), maxListed)], ", "))
}

// maxListed is the most configurations that a message names.
const maxListed = 10

// named returns the files of the commit with a name.
func (s Source) named(name string) (paths []string, err error) {
	walk := object.NewTreeWalker(s.files, true, nil)
	defer walk.Close()
	for {
		file, entry, err := walk.Next()
		switch {
		case errors.Is(err, io.EOF):
			return paths, nil
		case err != nil:
			return nil, errs.Invalidf("searching for %s in commit %.10s: %w", name, s.Commit, err)
		case entry.Mode.IsFile() && path.Base(file) == name:
			paths = append(paths, file)
		}
	}
}

// uncommitted returns the files that git finds changed. Git handles ignored files, and is
// far faster than comparing all contents. Without a git program there are none.
func uncommitted(ctx context.Context, dir string) []string {
	// A file system monitor is a program that the repository's configuration names.
	status := exec.CommandContext(ctx, "git", "-c", "core.fsmonitor=false", "--no-optional-locks", "status", "--porcelain", "-z", "--no-renames")
	status.Dir = dir
	out, err := status.Output()
	if err != nil {
		return nil
	}
	var files []string
	for _, entry := range bytes.Split(out, []byte{0}) { // two letters for what changed, a space, and the file
		if len(entry) > len("XY ") {
			files = append(files, string(entry[len("XY "):]))
		}
	}
	return files
}
