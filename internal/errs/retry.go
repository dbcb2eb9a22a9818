package errs

import "time"

// RetryAfter is the cause of a Temporary error that says when it makes sense to try again.
type RetryAfter struct {
	Err   error
	After time.Duration
}

// Error returns the text of the error.
func (r RetryAfter) Error() string { return r.Err.Error() }

// Unwrap returns the error.
func (r RetryAfter) Unwrap() error { return r.Err }
