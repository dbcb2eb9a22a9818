package stage

import "github.com/aphex/aphex-pipeline/internal/errs"

// Exit codes of every program: the contract with Argo's retryStrategy.
const (
	ExitDone      = 0   // success
	ExitFailed    = 1   // the user's code, stack or test failed, a newer commit superseded the run, or a gate held it
	ExitInvalid   = 2   // an input or the configuration is invalid
	ExitTemporary = 75  // throttled, connection lost, 5xx: worth a retry (EX_TEMPFAIL of sysexits.h)
	ExitCancelled = 143 // stopped by a signal (128 + SIGTERM)
)

// ExitCode returns the exit code of a program that ends with err. It is the only
// place that maps errors to exit codes.
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
