package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestTheKindOfAnErrorSaysWhetherToRetry(t *testing.T) {
	o := Options{URL: "https://github.com/aphex/shop", Commit: "abc", Dir: "/aphex/workspace"}
	for name, c := range map[string]struct {
		err  error
		kind errs.Kind
		says string
	}{
		"disk full":         {fmt.Errorf("receiving: %w", syscall.ENOSPC), errs.Failed, "/aphex/workspace"},
		"cut off":           {fmt.Errorf("receiving: %w", io.ErrUnexpectedEOF), errs.Temporary, "github.com"},
		"broken pack":       {gitpack.ErrMalformed, errs.Temporary, "github.com"},
		"hidden by go-git":  {plumbing.NewUnexpectedError(plumbing.NewPermanentError(transport.ErrAuthenticationRequired)), errs.Invalid, "denies access to"},
		"not there":         {transport.ErrRepositoryNotFound, errs.Invalid, "denies access to"},
		"no such commit":    {gitpack.ErrMissing, errs.Invalid, "not in any branch or tag"},
		"another host":      {fmt.Errorf("%w: %q", errOtherHost, "evil.com"), errs.Invalid, "evil.com"},
		"anything else":     {errors.New("unknown"), errs.Failed, "unknown"},
		"already explained": {errs.Invalidf("hostile"), errs.Invalid, "hostile"},
	} {
		err := explain(context.Background(), c.err, o)
		assert.Equal(t, c.kind, errs.KindOf(err), name)
		assert.Contains(t, err.Error(), c.says, name)
	}
}
