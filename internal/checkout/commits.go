package checkout

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Commits checks commits out, with the token of their repository.
type Commits struct {
	// Token returns the token for the repository's host; it may be empty.
	Token func(context.Context) (string, error)
	// CheckOut checks out a repository at a commit; see [CheckOut].
	CheckOut func(context.Context, Options) (Checkout, error)
}

// Get checks a commit out. It returns the checkout, and what adds the parts that the
// configuration of the commit asks for. Hide gets the token before it is used.
func (c Commits) Get(ctx context.Context, o Options, hide func(string)) (done Checkout, parts func(config.Checkout) error, err error) {
	if o.Token, err = c.Token(ctx); err != nil {
		return done, nil, fmt.Errorf("reading the repository's token: %w", err)
	}
	hide(o.Token)
	if done, err = c.CheckOut(ctx, o); err != nil {
		return done, nil, err
	}
	return done, func(want config.Checkout) error {
		_, err := FetchParts(ctx, o, done, Parts{Submodules: want.Submodules, Hosts: want.SubmoduleHosts, LFS: want.LFS})
		return err
	}, nil
}
