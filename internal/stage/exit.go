package stage

import "github.com/aphex/aphex-pipeline/internal/errs"

// Exit codes of every program: the contract with Argo's retryStrategy.
const (
	ExitDone      = 0   // the stage did its work
	ExitFailed    = 1   // the user's code, stack or test failed
	ExitInvalid   = 2   // an input or the configuration is wrong
	ExitTemporary = 75  // throttled, connection lost, 5xx: worth a retry (EX_TEMPFAIL of sysexits.h)
	ExitCancelled = 143 // stopped by a signal (128 + SIGTERM)
)

// ExitCode maps an error to the code that the program ends with. It is the
// only place where an error becomes a number.
func ExitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	switch errs.KindOf(err) {
	case errs.Invalid:
		return ExitInvalid
	case errs.Temporary:
		return ExitTemporary
	case errs.Cancelled:
		return ExitCancelled
	default:
		return ExitFailed
	}
}
