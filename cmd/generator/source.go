package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// source is the commit that a local run is about.
type source struct {
	dir     string // folder of the repository
	commit  string // full SHA of HEAD
	branch  string
	subject string // first line of the commit's message
	author  string
	changed bool // whether the folder holds changes that are not in the commit
	files   *object.Commit
}

// openSource finds HEAD of the repository in dir.
func openSource(ctx context.Context, dir string) (source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return source{}, fmt.Errorf("finding the source folder: %w", err)
	}
	repository, err := git.PlainOpen(dir)
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return source{}, fault.Invalidf("%q is not the top folder of a git repository", dir).
			WithHint("a pipeline runs commits: git init && git add -A && git commit -m \"Start\"")
	}
	if err != nil {
		return source{}, fault.Invalidf("opening the repository %q: %w", dir, err)
	}
	head, err := repository.Head()
	if err != nil {
		return source{}, fault.Invalidf("the repository %q has no commit yet: %w", dir, err).
			WithHint("git add -A && git commit -m \"Start\"")
	}
	commit, err := repository.CommitObject(head.Hash())
	if err != nil {
		return source{}, fmt.Errorf("reading commit %s: %w", head.Hash(), err)
	}
	subject, _, _ := strings.Cut(commit.Message, "\n")
	return source{
		dir: dir, commit: head.Hash().String(), branch: head.Name().Short(), subject: subject,
		author: commit.Author.Name, changed: uncommitted(ctx, dir), files: commit,
	}, nil
}

// config reads the configuration as the commit holds it.
func (s source) config(path string) (*config.Config, error) {
	file, err := s.files.File(path)
	if err != nil {
		return nil, fault.Invalidf("commit %.10s has no %s", s.commit, path).
			WithHint("generator init writes one; then git add %s && git commit", path)
	}
	text, err := file.Contents()
	if err != nil {
		return nil, fmt.Errorf("reading %s of commit %.10s: %w", path, s.commit, err)
	}
	cfg, err := config.Parse(path, []byte(text))
	if err != nil {
		return nil, fault.Invalidf("%w", err)
	}
	return cfg, nil
}

// uncommitted asks git, which knows ignored files and file times far faster
// than a comparison of all contents. Without a git program nothing is said.
func uncommitted(ctx context.Context, dir string) bool {
	status := exec.CommandContext(ctx, "git", "status", "--porcelain")
	status.Dir = dir
	out, err := status.Output()
	return err == nil && len(bytes.TrimSpace(out)) > 0
}
