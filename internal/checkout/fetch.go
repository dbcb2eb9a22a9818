package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

var (
	errOtherHost = errors.New("the git server redirects to another host")
	errNoRefs    = errors.New("the repository has no branch and no tag")
)

// fetched is the response of a server.
type fetched struct {
	pack     *gitpack.Pack
	shallows []plumbing.Hash // commits without their parents
	tags     []repository.Tag
}

// fetch fetches the commit from the server at a, alone if the server allows it, else with
// all branches and tags, and writes the pack to file.
func fetch(ctx context.Context, o Options, a address, commit plumbing.Hash, file *os.File, tempDir string) (fetched, error) {
	return ask(ctx, o, a, func(ctx context.Context, s server) (fetched, error) {
		request, err := requestFor(s.offered, commit)
		if err != nil {
			return fetched{}, err
		}
		if request.Depth.IsZero() {
			fmt.Fprintf(o.Progress, "the server does not serve single commits: fetching all branches\n")
		}
		pack, shallows, err := s.receive(ctx, o, request, file, tempDir)
		if err != nil {
			return fetched{}, err
		}
		return fetched{pack, shallows, tagsIn(pack, s.offered)}, nil
	})
}

// historyFactor is how many times the history of a repository may have the objects
// and the bytes of one commit.
const historyFactor = 25

// packBudget is what a pack may unfold to.
func packBudget(commit limits.Budget, request *packp.UploadPackRequest) limits.Budget {
	if request.Depth.IsZero() {
		commit.Bytes, commit.Ratio, commit.Entries = commit.Bytes*historyFactor, commit.Ratio*historyFactor, commit.Entries*historyFactor
	}
	return commit
}

// tagsIn returns the tags that the pack holds, with the objects that they name.
func tagsIn(pack *gitpack.Pack, offered *packp.AdvRefs) []repository.Tag {
	var tags []repository.Tag
	for name, hash := range offered.References {
		commit, told := offered.Peeled[name]
		if strings.HasPrefix(name, tagPrefix) && pack.Has(hash) && (!told || pack.Has(commit)) {
			tags = append(tags, repository.Tag{Name: name, Hash: hash})
		}
	}
	slices.SortFunc(tags, func(a, b repository.Tag) int { return strings.Compare(a.Name, b.Name) })
	return tags
}

const tagPrefix = "refs/tags/"

// connect prepares the connection. Credentials are sent to the repository's host only; a
// redirect to another host is refused before it is followed.
func connect(a address, over http.RoundTripper) (transport.UploadPackSession, error) {
	endpoint, err := transport.NewEndpoint(a.url.String())
	if err != nil {
		return nil, err
	}
	var login transport.AuthMethod
	if a.token != "" {
		// GitHub requires this name with app tokens; others accept any.
		login = &githttp.BasicAuth{Username: "x-access-token", Password: a.token}
	}
	client := &http.Client{Transport: over, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if !sameOrigin(next.URL, via[0].URL) {
			return fmt.Errorf("%w: %q", errOtherHost, next.URL.Host)
		}
		return nil
	}}
	return githttp.NewClient(client).NewUploadPackSession(endpoint, login)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

// requestFor makes the smallest request that the server accepts.
func requestFor(offered *packp.AdvRefs, commit plumbing.Hash) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities)
	if offered.Capabilities.Supports(capability.NoProgress) {
		if err := request.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	if servesSingle(offered, commit) {
		request.Wants = append([]plumbing.Hash{commit}, tagsAt(offered, commit)...)
		request.Depth = packp.DepthCommits(1)
		return request, request.Capabilities.Set(capability.Shallow)
	}
	request.Wants = branchesAndTags(offered)
	if len(request.Wants) == 0 {
		return nil, errNoRefs
	}
	return request, nil
}

// tagsAt returns the tag objects of the commit. They are fetched with it, so that
// `git describe` works.
func tagsAt(offered *packp.AdvRefs, commit plumbing.Hash) (objects []plumbing.Hash) {
	for name, peeled := range offered.Peeled {
		if object := offered.References[name]; peeled == commit && strings.HasPrefix(name, tagPrefix) && !object.IsZero() {
			objects = append(objects, object)
		}
	}
	return objects
}

// servesSingle reports whether the server serves this commit alone.
func servesSingle(offered *packp.AdvRefs, commit plumbing.Hash) bool {
	if !offered.Capabilities.Supports(capability.Shallow) {
		return false
	}
	if offered.Capabilities.Supports(capability.AllowReachableSHA1InWant) {
		return true
	}
	for _, tip := range offered.References {
		if tip == commit {
			return true
		}
	}
	return false
}

func branchesAndTags(offered *packp.AdvRefs) []plumbing.Hash {
	var wants []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for name, tip := range offered.References {
		wanted := strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, tagPrefix)
		if wanted && !seen[tip] && !tip.IsZero() {
			seen[tip] = true
			wants = append(wants, tip)
		}
	}
	return wants
}

// packOf returns the pack in a response that may also contain messages.
func packOf(response io.Reader, request *packp.UploadPackRequest) io.Reader {
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, response)
	case request.Capabilities.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, response)
	}
	return response
}
