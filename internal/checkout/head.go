package checkout

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Head returns the commit that o.Branch points to in the repository at o.URL, without
// fetching it; "" if there is no such branch. Errors are of the same kinds as those of
// CheckOut.
func Head(ctx context.Context, o Options) (string, error) {
	o = o.withDefaults()
	o.Commit = "the head of " + o.Branch // for messages
	a, err := parseAddress(o)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLate)
	defer cancel()
	look := headOverNetwork
	if a.local != "" {
		look = headOfFolder
	}
	head, err := look(ctx, o, a)
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound), errors.Is(err, transport.ErrEmptyRemoteRepository):
		return "", nil
	case err != nil:
		return "", explain(ctx, err, o)
	}
	return head, nil
}

func headOfFolder(_ context.Context, o Options, a address) (string, error) {
	objects, err := openLocal(a.local)
	if err != nil {
		return "", err
	}
	defer objects.Close()
	reference, err := storer.ResolveReference(objects.storage, plumbing.NewBranchReferenceName(o.Branch))
	if err != nil {
		return "", err
	}
	return reference.Hash().String(), nil
}

func headOverNetwork(ctx context.Context, o Options, a address) (string, error) {
	return ask(ctx, o, a, func(_ context.Context, s server) (string, error) {
		head, known := s.offered.References[plumbing.NewBranchReferenceName(o.Branch).String()]
		if !known {
			return "", plumbing.ErrReferenceNotFound
		}
		return head.String(), nil
	})
}
