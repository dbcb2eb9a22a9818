package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
)

// Order is how a commit relates to another one in the history of a repository.
type Order string

// The values of Order.
const (
	Same     Order = "same"
	After    Order = "after"    // the other one is among its ancestors
	Before   Order = "before"   // it is among the ancestors of the other one
	Diverged Order = "diverged" // neither is: somebody rewrote the branch, or it is another branch
)

// OrderOf returns how o.Commit relates to the commit other in the repository at o.URL.
// It fetches commits without their files, and only those that the history of other
// lacks, so that the depth of a checkout does not matter. Errors are of the same kinds
// as those of CheckOut.
func OrderOf(ctx context.Context, o Options, other string) (Order, error) {
	o = o.withDefaults()
	if err := errors.Join(CheckCommit(o.Commit), CheckCommit(other), checkSupported(o.Commit)); err != nil {
		return "", err
	}
	if o.Commit == other {
		return Same, nil
	}
	a, err := parseAddress(o)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLate)
	defer cancel()
	find := orderOverNetwork
	if a.local != "" {
		find = orderInFolder
	}
	order, err := find(ctx, o, a, plumbing.NewHash(other))
	if err != nil {
		return "", explain(ctx, err, o)
	}
	return order, nil
}

// orderOverNetwork asks for what the history of the commit has and that of the other
// one has not. There the other one is a parent if the commit comes after it; nothing
// is there if the commit comes before it.
func orderOverNetwork(ctx context.Context, o Options, a address, other plumbing.Hash) (Order, error) {
	order, err := ask(ctx, o, a, func(ctx context.Context, s server) (Order, error) {
		commit := plumbing.NewHash(o.Commit)
		request, err := historyRequest(s.offered, commit, other)
		if err != nil {
			return "", err
		}
		return look(ctx, o, s, request, func(pack *gitpack.Pack) (Order, error) { return orderIn(ctx, pack, commit, other) })
	})
	if errors.Is(err, transport.ErrEmptyUploadPackRequest) { // all that there is, is the other one
		return Before, nil
	}
	return order, err
}

func orderIn(ctx context.Context, pack *gitpack.Pack, commit, other plumbing.Hash) (Order, error) {
	if !pack.Has(commit) {
		return Before, nil
	}
	if found, err := leadsTo(ctx, pack, commit, other, pack.Has); err != nil || found {
		return After, err
	}
	return Diverged, nil
}

// historyRequest asks for the commit, or for all branches and tags where the server
// serves no other commits, without what the history of the other one has.
func historyRequest(offered *packp.AdvRefs, commit, other plumbing.Hash) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities)
	for _, wanted := range []capability.Capability{capability.NoProgress, capability.Filter} {
		if offered.Capabilities.Supports(wanted) {
			if err := request.Capabilities.Set(wanted); err != nil {
				return nil, err
			}
		}
	}
	if offered.Capabilities.Supports(capability.Filter) {
		request.Filter = packp.FilterTreeDepth(0)
	}
	request.Wants = branchesAndTags(offered)
	if offered.Capabilities.Supports(capability.AllowReachableSHA1InWant) || isTip(offered, commit) {
		request.Wants = []plumbing.Hash{commit}
	}
	if len(request.Wants) == 0 {
		return nil, errNoRefs
	}
	request.Haves = []plumbing.Hash{other}
	return request, nil
}

func isTip(offered *packp.AdvRefs, commit plumbing.Hash) bool {
	for _, tip := range offered.References {
		if tip == commit {
			return true
		}
	}
	return false
}

// orderInFolder walks the history of a repository on this machine, which must have it whole.
func orderInFolder(ctx context.Context, o Options, a address, other plumbing.Hash) (Order, error) {
	from, err := openLocal(a.local)
	if err != nil {
		return "", err
	}
	defer from.Close()
	commit, all := plumbing.NewHash(o.Commit), func(plumbing.Hash) bool { return true }
	if found, err := leadsTo(ctx, from, commit, other, all); err != nil || found {
		return After, err
	}
	switch found, err := leadsTo(ctx, from, other, commit, all); {
	case errors.Is(err, gitpack.ErrMissing): // the other one is gone from the repository
		return Diverged, nil
	case err != nil:
		return "", err
	case found:
		return Before, nil
	}
	return Diverged, nil
}

// leadsTo reports whether the parents of a commit lead to another one, through commits
// that are there.
func leadsTo(ctx context.Context, from objects, commit, other plumbing.Hash, isThere func(plumbing.Hash) bool) (bool, error) {
	seen, next := map[plumbing.Hash]bool{commit: true}, []plumbing.Hash{commit}
	for len(next) > 0 {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		at := next[len(next)-1]
		next = next[:len(next)-1]
		parents, err := parentsOf(from, at)
		if err != nil {
			return false, err
		}
		for _, parent := range parents {
			if parent == other {
				return true, nil
			}
			if !seen[parent] && isThere(parent) {
				seen[parent] = true
				next = append(next, parent)
			}
		}
	}
	return false, nil
}

// parentsOf returns the parents of a commit, which follow its tree.
func parentsOf(from objects, commit plumbing.Hash) (parents []plumbing.Hash, err error) {
	text, err := from.Read(commit, plumbing.CommitObject, maxCommit)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, line := range lines[1:] {
		name, isParent := bytes.CutPrefix(line, []byte("parent "))
		if !isParent {
			break
		}
		if !plumbing.IsHash(string(name)) {
			return nil, fmt.Errorf("commit %s names a parent %q", commit, name)
		}
		parents = append(parents, plumbing.NewHash(string(name)))
	}
	return parents, nil
}
