package checkout

import (
	"context"
	"net/http"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// server is a connection to a git server, with the branches and tags that it offers.
type server struct {
	session transport.UploadPackSession
	offered *packp.AdvRefs
}

// ask connects to the server at a, and returns what do finds there. The context of do
// ends when the server is silent for longer than o.Patience.
func ask[T any](ctx context.Context, o Options, a address, do func(context.Context, server) (T, error)) (T, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	defer base.CloseIdleConnections()
	ctx, dog := newWatchdog(ctx, base, o.Patience)
	defer dog.timer.Stop()
	found, err := over(ctx, a, dog, do)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		var none T
		return none, cause // go-git drops the cause
	}
	return found, err
}

func over[T any](ctx context.Context, a address, transport http.RoundTripper, do func(context.Context, server) (T, error)) (T, error) {
	var none T
	session, err := connect(a, transport)
	if err != nil {
		return none, err
	}
	defer session.Close()
	offered, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return none, err
	}
	return do(ctx, server{session, offered})
}

// receive asks for a pack and writes it to file. It returns the commits that came without
// their parents too.
func (s server) receive(ctx context.Context, o Options, request *packp.UploadPackRequest, file *os.File, tempDir string) (*gitpack.Pack, []plumbing.Hash, error) {
	response, err := s.session.UploadPack(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Close()
	pack, err := gitpack.Receive(ctx, packOf(response, request), file, tempDir, packBudget(o.Budget, request))
	return pack, response.Shallows, err
}

// look asks for a pack, and returns what see finds in it. Nothing is left of the pack.
func look[T any](ctx context.Context, o Options, s server, request *packp.UploadPackRequest, see func(*gitpack.Pack) (T, error)) (T, error) {
	var none T
	dir, err := os.MkdirTemp("", "pack-")
	if err != nil {
		return none, errs.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(dir)
	file, err := os.CreateTemp(dir, "incoming-")
	if err != nil {
		return none, errs.Writing(dir, err)
	}
	defer file.Close()
	pack, _, err := s.receive(ctx, o, request, file, dir)
	if err != nil {
		return none, err
	}
	return see(pack)
}
