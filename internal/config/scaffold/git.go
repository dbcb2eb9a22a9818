package scaffold

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	gitconfig "github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
)

// origin returns host, owner and name of the GitHub repository of a folder, and its main
// branch; "" for unknown values.
func origin(dir string) (host, owner, repo, branch string) {
	r, err := repository.Around(dir)
	if err != nil {
		return "", "", "", ""
	}
	branch = r.MainBranch()
	settings, err := r.Settings()
	if err != nil {
		return "", "", "", branch
	}
	host, owner, repo = gitHub(remote(settings))
	return host, owner, repo, branch
}

// uncommitted returns which of the files HEAD of the repository around dir lacks; nil if it
// cannot be read.
func uncommitted(dir string, files []string) []string {
	r, err := repository.Around(dir)
	if err != nil {
		return nil
	}
	storage, err := r.Open(repository.Options{Cache: 4 << 20})
	if err != nil {
		return nil
	}
	_, head, err := storage.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) { // no commit yet
		return files
	}
	if err != nil {
		return nil
	}
	commit, err := gitobject.GetCommit(storage, head)
	if err != nil {
		return nil
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil
	}
	var missing []string
	for _, file := range files {
		if _, err := tree.FindEntry(file); errors.Is(err, gitobject.ErrEntryNotFound) || errors.Is(err, gitobject.ErrDirectoryNotFound) {
			missing = append(missing, file)
		}
	}
	return missing
}

// remote returns the address of `origin`, or else of the first remote by name.
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

// gitHub returns host, owner and name of a GitHub repository, without credentials in its
// address. A host with "github" in its name is one of GitHub Enterprise Server.
func gitHub(address string) (host, owner, repo string) {
	path := ""
	if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
		host, path = parsed.Hostname(), parsed.Path
	} else if match := shortAddress.FindStringSubmatch(address); match != nil {
		host, path = match[1], match[2]
	}
	host = strings.ToLower(host)
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if !strings.Contains(host, "github") || len(parts) != 2 {
		return "", "", ""
	}
	return host, parts[0], strings.TrimSuffix(parts[1], ".git")
}
