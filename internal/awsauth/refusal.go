package awsauth

import (
	"errors"
	"slices"

	"github.com/aws/smithy-go"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// answer is an error of AWS that reads as AWS worded it, without what the SDK
// says about the call around it.
type answer struct {
	text string
	err  error
}

func (a *answer) Error() string { return a.text }
func (a *answer) Unwrap() error { return a.err }

// plain shortens an error that AWS answered with.
func plain(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	return &answer{text: api.ErrorCode() + ": " + api.ErrorMessage(), err: err}
}

// strange are the codes with which AWS services say that they do not know the credentials.
var strange = []string{
	"InvalidClientTokenId", "UnrecognizedClientException", "RegionDisabledException",
	"InvalidAccessKeyId", "InvalidToken", "AuthFailure", "OptInRequired",
}

// isStranger says whether AWS does not know the credentials: they are wrong, or
// the region is one that is not switched on for their account.
func isStranger(err error) bool { return slices.Contains(strange, errs.Code(err)) }

// Explain says more of a call that failed because AWS does not know the
// session's credentials in its region; another error is given back as it is.
func (s *Session) Explain(err error) error {
	if !isStranger(err) || errs.HintOf(err) != "" {
		return err
	}
	return errs.Invalidf("AWS in region %s does not accept the credentials of account %s: %w", s.Config.Region, s.Account, plain(err)).
		WithHint("check that the region is enabled for the account")
}
