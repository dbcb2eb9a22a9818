package checkout

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// explain turns an error into one with a hint, of the kind that decides about retries.
func explain(ctx context.Context, err error, o Options) error {
	err = uncover(err)
	var typed *errs.Error
	var unexpected *packp.ErrUnexpectedData
	switch cause := context.Cause(ctx); {
	case errors.As(err, &typed):
		return err
	case errors.Is(cause, context.Canceled):
		return errs.Cancelledf("checking out %s: %w", o.Commit, cause)
	case cause != nil:
		return errs.Temporaryf("checking out %s of %s: %w", o.Commit, o.URL, cause)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errs.Writing(o.Dir, err)
	case errors.Is(err, limits.ErrExceeded):
		return errs.Invalidf("commit %s cannot be checked out: %w", o.Commit, err).
			WithHint("remove from the repository what is so large or so many; a repository may unfold to %s, and to %d times its size beyond %s",
				limits.Size(o.Budget.Bytes), o.Budget.Ratio, limits.Size(o.Budget.Free))
	case isRefused(err):
		return errs.Invalidf("the git server denies access to %s: %w", o.URL, err).
			WithHint("check the URL, and that the configured token may read the repository")
	case errors.Is(err, gitpack.ErrMissing), isNoSuchCommit(err), errors.Is(err, errNoRefs),
		errors.Is(err, transport.ErrEmptyRemoteRepository):
		return errs.Invalidf("commit %s is not in any branch or tag of %s: %w", o.Commit, o.URL, err).
			WithHint("push the commit first; a force push removes the commits that it replaces")
	case errors.Is(err, errOtherHost):
		return errs.Invalidf("repository %s: %w", o.URL, err).WithHint("use the URL that the server redirects to, if it is yours")
	case isTemporary(err):
		return errs.Temporaryf("fetching %s: %w", o.URL, err)
	case errors.As(err, &unexpected):
		return errs.Invalidf("unexpected response of the git server of %s: %w", o.URL, err).
			WithHint("check that this is the URL of a git repository with SHA-1 object names")
	default:
		return errs.Failedf("checking out %s of %s: %w", o.Commit, o.URL, err)
	}
}

// uncover removes the wrappers of go-git that errors.Unwrap cannot.
func uncover(err error) error {
	for {
		var unexpected *plumbing.UnexpectedError
		var permanent *plumbing.PermanentError
		switch {
		case errors.As(err, &unexpected):
			err = unexpected.Err
		case errors.As(err, &permanent):
			err = permanent.Err
		default:
			return err
		}
	}
}

func isRefused(err error) bool {
	return errors.Is(err, transport.ErrAuthenticationRequired) ||
		errors.Is(err, transport.ErrAuthorizationFailed) ||
		errors.Is(err, transport.ErrRepositoryNotFound)
}

// isNoSuchCommit reports whether the server answered that it has no such commit.
// go-git returns the answer as text only.
func isNoSuchCommit(err error) bool { return strings.Contains(err.Error(), "not our ref") }

func isTemporary(err error) bool {
	var answered *githttp.Err
	if errors.As(err, &answered) {
		return answered.StatusCode() >= 500 || answered.StatusCode() == http.StatusTooManyRequests
	}
	var request *url.Error
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &request) {
		return !errors.As(err, &certificate)
	}
	// A malformed pack was truncated or damaged in transit.
	return errors.Is(err, errSilent) || errors.Is(err, errBroken) || errors.Is(err, gitpack.ErrMalformed) || errs.IsTemporary(err)
}
