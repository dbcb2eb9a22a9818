package assembly

import "fmt"

// Error is an error in an assembly, with a hint.
type Error struct {
	Message string // error and location, lower case, no full stop
	Hint    string // what to do next; may be empty
	Err     error  // cause; may be nil
}

// Error returns the message, which includes that of the cause.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func wrongf(hint, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	cause, _ := wrapped.(interface{ Unwrap() error })
	e := &Error{Message: wrapped.Error(), Hint: hint}
	if cause != nil {
		e.Err = cause.Unwrap()
	}
	return e
}
