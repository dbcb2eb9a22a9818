package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/config"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Parts are what a repository keeps outside of its commits, and FetchParts fetches.
type Parts struct {
	Submodules bool     // also those of submodules
	Hosts      []string // further hosts that submodules may be on; the token is not sent there
	LFS        bool     // files in Git LFS
}

// Submodule is a folder of a commit that is a commit of another repository.
type Submodule struct {
	Path   string // in the repository around it, with slashes
	Commit string // full SHA
}

const (
	maxModules = 1 << 20 // bytes of .gitmodules
	// maxNested is how many submodules may be inside each other, and maxSubmodules how many
	// there may be in all: each is a request at least.
	maxNested     = 8
	maxSubmodules = 500
)

// FetchParts adds parts to a checkout that CheckOut made with the same options. It reads
// .gitmodules and the pointers of Git LFS, so that it belongs before anything else writes
// to the folder.
// It returns the checkout with the parts that are still missing: those that are not wanted
// and, of a repository on this machine, those that it lacks. Errors are as of CheckOut.
func FetchParts(ctx context.Context, o Options, done Checkout, want Parts) (Checkout, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLate)
	defer cancel()
	p := &parts{want: want, left: maxSubmodules}
	done, err := p.add(ctx, o, done, 0)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // whatever it ended
	}
	if err != nil {
		return done, explain(ctx, err, o)
	}
	reportMissing(o.Progress, done)
	return done, nil
}

// parts adds the parts of a repository and of its submodules.
type parts struct {
	want Parts
	left int // how many more submodules there may be
}

func (p *parts) add(ctx context.Context, o Options, done Checkout, depth int) (Checkout, error) {
	a, err := parseAddress(o)
	if err != nil {
		return done, err
	}
	if p.want.LFS && len(done.Pointers) > 0 {
		if done, err = fetchLFS(ctx, o, a, done); err != nil {
			return done, err
		}
	}
	if !p.want.Submodules || len(done.Submodules) == 0 {
		return done, nil
	}
	modules, err := modulesOf(done.Dir)
	if err != nil {
		return done, err
	}
	submodules := done.Submodules
	done.Submodules = nil
	for _, s := range submodules {
		added, err := p.submodule(ctx, o, a, done, s, modules, depth)
		switch {
		case errors.Is(err, errNotHere):
			done.Submodules = append(done.Submodules, s)
			continue
		case err != nil:
			return done, err
		}
		done.Files, done.Bytes, done.Received = done.Files+added.Files, done.Bytes+added.Bytes, done.Received+added.Received
		for _, missing := range added.Submodules {
			done.Submodules = append(done.Submodules, Submodule{path.Join(s.Path, missing.Path), missing.Commit})
		}
		for _, pointer := range added.Pointers {
			done.Pointers = append(done.Pointers, path.Join(s.Path, pointer))
		}
	}
	return done, nil
}

// errNotHere means that a repository on this machine has no copy of a submodule.
var errNotHere = errors.New("the submodule is not in the repository on this machine")

// submodule checks out a submodule with its parts. Its folder exists and is empty: the
// commit around it has been written without following links.
func (p *parts) submodule(ctx context.Context, o Options, around address, done Checkout, s Submodule, modules []*config.Submodule, depth int) (Checkout, error) {
	if p.left--; p.left < 0 || depth >= maxNested {
		return Checkout{}, errs.Invalidf("the repository has more than %d submodules, or more than %d inside each other", maxSubmodules, maxNested).
			WithHint("fetch what the build needs in build.commands, with checkout.submodules: false")
	}
	at := slices.IndexFunc(modules, func(m *config.Submodule) bool { return path.Clean(m.Path) == s.Path })
	if at < 0 {
		return Checkout{}, errs.Invalidf("submodule %q has no entry in .gitmodules of %s", s.Path, o.URL).
			WithHint("remove it (git rm --cached), or add it again: git submodule add")
	}
	if err := modules[at].Validate(); err != nil {
		return Checkout{}, errs.Invalidf("submodule %q in .gitmodules: %w", s.Path, err)
	}
	from, err := p.optionsFor(o, around, modules[at])
	if err != nil {
		return Checkout{}, err
	}
	from.Commit, from.Dir = s.Commit, filepath.Join(done.Dir, filepath.FromSlash(s.Path))
	from.Branch, from.Patience, from.Limit, from.Progress, from.retryPause = "", o.Patience, o.Limit, o.Progress, o.retryPause
	from.Budget = o.Budget
	from.Budget.Bytes, from.Budget.Entries = max(1, o.Budget.Bytes-done.Bytes), max(1, o.Budget.Entries-done.Files)
	added, err := CheckOut(ctx, from)
	switch {
	case around.local != "" && errors.Is(err, gitpack.ErrMissing):
		return Checkout{}, errNotHere
	case err != nil:
		return Checkout{}, fmt.Errorf("submodule %q: %w", s.Path, err)
	}
	if added, err = p.add(ctx, from.withDefaults(), added, depth+1); err != nil {
		return Checkout{}, fmt.Errorf("submodule %q: %w", s.Path, explain(ctx, err, from))
	}
	return added, nil
}

// optionsFor returns where a submodule is fetched from. The token goes to the host of the
// repository alone; other hosts have to be allowed, as a commit names them.
func (p *parts) optionsFor(o Options, around address, m *config.Submodule) (Options, error) {
	if around.local != "" {
		folder, err := localModule(around.local, m.Name)
		return Options{URL: folder, AllowLocal: true}, err
	}
	address := absoluteURL(around.url, m.URL)
	own := Options{URL: address, Host: o.Host, Token: o.Token, AllowLocal: o.AllowLocal}
	parsed, refused := parseAddress(own)
	switch {
	case refused == nil && parsed.local != "": // git forbids it too (CVE-2022-39253)
		return Options{}, errs.Invalidf("submodule %q is a folder of this machine: %q", m.Path, address)
	case refused == nil:
		return own, nil
	}
	for _, host := range p.want.Hosts {
		other := Options{URL: address, Host: host}
		if _, err := parseAddress(other); err == nil {
			return other, nil
		}
	}
	if u, _ := url.Parse(address); u != nil && u.Scheme == "https" && u.User == nil && !sameHost(u, o.Host) {
		return Options{}, errs.Invalidf("submodule %q is on another host: %q", m.Path, u.Host).
			WithHint("if its repository can be read without a token, list the host in checkout.submoduleHosts")
	}
	return Options{}, fmt.Errorf("submodule %q: %w", m.Path, refused)
}

// absoluteURL returns the https URL of a submodule. Addresses for SSH have the same
// repository, and ./ and ../ are relative to the repository around it (gitmodules(5)).
func absoluteURL(around *url.URL, raw string) string {
	if meant := httpsOf(raw); meant != "" {
		return meant
	}
	if !strings.HasPrefix(raw, "./") && !strings.HasPrefix(raw, "../") {
		return raw
	}
	joined := *around
	joined.Path, joined.RawPath = path.Join("/", around.Path, raw), ""
	return joined.String()
}

// localModule returns the copy of a submodule in a repository on this machine, where
// `git submodule update --init` keeps it. The name has been validated: it has no "..".
func localModule(top, name string) (string, error) {
	r, err := repository.At(top)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNotHere, err)
	}
	folder := filepath.Join(r.Common, "modules", filepath.FromSlash(name))
	if _, err := os.Stat(filepath.Join(folder, "HEAD")); err != nil {
		return "", fmt.Errorf("%w: %w", errNotHere, err)
	}
	return folder, nil
}

// modulesOf reads .gitmodules, which may be missing.
func modulesOf(dir string) ([]*config.Submodule, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	text, err := limits.ReadFileIn(root, ".gitmodules", maxModules)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Invalidf("reading .gitmodules: %w", err)
	}
	return parseModules(text)
}

// parseModules returns the submodules of .gitmodules by their names.
func parseModules(text []byte) ([]*config.Submodule, error) {
	modules := config.NewModules()
	if err := modules.Unmarshal(text); err != nil {
		return nil, errs.Invalidf("reading .gitmodules: %w", err)
	}
	list := make([]*config.Submodule, 0, len(modules.Submodules))
	for _, m := range modules.Submodules {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *config.Submodule) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
