package scaffold

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	gitconfig "github.com/go-git/go-git/v5/config"
)

// repository gives owner and name of the GitHub repository in which a folder
// lies, and its main branch; "" for what git does not tell.
func repository(dir string) (owner, repo, branch string) {
	git := gitFolder(dir)
	if git == "" {
		return "", "", ""
	}
	branch = mainBranch(git)
	settings, err := gitconfig.ReadConfig(strings.NewReader(text(filepath.Join(common(git), "config"))))
	if err != nil {
		return "", "", branch
	}
	owner, repo = gitHub(remote(settings))
	return owner, repo, branch
}

// mainBranch gives the branch that the remote calls its own or, where that is
// not known, the one that is checked out.
func mainBranch(git string) string {
	for _, head := range []struct{ file, prefix string }{
		{filepath.Join(common(git), "refs/remotes/origin/HEAD"), "ref: refs/remotes/origin/"},
		{filepath.Join(git, "HEAD"), "ref: refs/heads/"},
	} {
		if branch, found := strings.CutPrefix(strings.TrimSpace(text(head.file)), head.prefix); found {
			return branch
		}
	}
	return ""
}

// gitFolder gives the folder of the repository around dir, which for a work
// tree is named in a file.
func gitFolder(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		git := filepath.Join(dir, ".git")
		if exists(filepath.Join(git, "HEAD")) {
			return git
		}
		if elsewhere, found := strings.CutPrefix(strings.TrimSpace(text(git)), "gitdir: "); found {
			return absolute(dir, elsewhere)
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// common gives the folder with the settings that all work trees share.
func common(git string) string {
	if shared := strings.TrimSpace(text(filepath.Join(git, "commondir"))); shared != "" {
		return absolute(git, shared)
	}
	return git
}

func absolute(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// remote gives the address of `origin`, or else of the first remote by name.
func remote(settings *gitconfig.Config) string {
	var names []string
	for name := range settings.Remotes {
		names = append(names, name)
	}
	slices.Sort(names)
	if slices.Contains(names, "origin") {
		names = []string{"origin"}
	}
	for _, name := range names {
		if urls := settings.Remotes[name].URLs; len(urls) > 0 {
			return urls[0]
		}
	}
	return ""
}

var shortAddress = regexp.MustCompile(`^(?:[^@/]+@)?([^:/]+):([^/].*)$`) // git@github.com:owner/repo.git

// gitHub gives owner and name of a repository of GitHub's. Credentials in the
// address stay there.
func gitHub(address string) (owner, repo string) {
	host, path := "", ""
	if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
		host, path = parsed.Hostname(), parsed.Path
	} else if match := shortAddress.FindStringSubmatch(address); match != nil {
		host, path = match[1], match[2]
	}
	if !strings.Contains(strings.ToLower(host), "github") {
		return "", ""
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) != 2 {
		return "", ""
	}
	return parts[0], strings.TrimSuffix(parts[1], ".git")
}
