package workspace

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

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/workspace/gitpack"
)

func TestEveryErrorSaysWhoHasToAct(t *testing.T) {
	o := Options{URL: "https://github.com/aphex/shop", Commit: "abc", Dir: "/aphex/workspace"}
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		says string
	}{
		"disk full":         {fmt.Errorf("receiving: %w", syscall.ENOSPC), fault.Temporary, "/aphex/workspace"},
		"cut off":           {fmt.Errorf("receiving: %w", io.ErrUnexpectedEOF), fault.Temporary, "github.com"},
		"broken pack":       {gitpack.ErrMalformed, fault.Temporary, "github.com"},
		"hidden by go-git":  {plumbing.NewUnexpectedError(plumbing.NewPermanentError(transport.ErrAuthenticationRequired)), fault.Invalid, "does not let us read"},
		"not there":         {transport.ErrRepositoryNotFound, fault.Invalid, "does not let us read"},
		"no such commit":    {gitpack.ErrMissing, fault.Invalid, "not in any branch or tag"},
		"another host":      {fmt.Errorf("%w: %q", errOtherHost, "evil.com"), fault.Invalid, "evil.com"},
		"anything else":     {errors.New("strange"), fault.Failed, "strange"},
		"already explained": {fault.Invalidf("hostile"), fault.Invalid, "hostile"},
	} {
		err := explain(context.Background(), c.err, o)
		assert.Equal(t, c.kind, fault.KindOf(err), name)
		assert.Contains(t, err.Error(), c.says, name)
	}
}
