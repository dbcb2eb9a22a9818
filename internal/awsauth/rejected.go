package awsauth

import (
	"errors"
	"slices"

	"github.com/aws/smithy-go"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// answer is an error of AWS in AWS's words, without what the SDK adds about the call.
type answer struct {
	text string
	err  error
}

func (a *answer) Error() string { return a.text }
func (a *answer) Unwrap() error { return a.err }

// plain shortens an error returned by AWS to its code and message.
func plain(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	return &answer{text: api.ErrorCode() + ": " + api.ErrorMessage(), err: err}
}

// rejected are the codes with which AWS services reject credentials.
var rejected = []string{
	"InvalidClientTokenId", "UnrecognizedClientException", "RegionDisabledException",
	"InvalidAccessKeyId", "InvalidToken", "AuthFailure", "OptInRequired",
}

// credentialsRejected reports whether AWS rejects the credentials: they are wrong, or the
// region is not enabled for their account.
func credentialsRejected(err error) bool { return slices.Contains(rejected, errs.Code(err)) }

// Explain explains a call that failed because AWS rejects the session's credentials in
// its region; other errors are returned unchanged.
func (s *Session) Explain(err error) error {
	if !credentialsRejected(err) || errs.HintOf(err) != "" {
		return err
	}
	return errs.Invalidf("AWS in region %s does not accept the credentials of account %s: %w", s.Config.Region, s.Account, plain(err)).
		WithHint("check that the region is enabled for the account")
}
