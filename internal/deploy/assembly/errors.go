package assembly

import "fmt"

// Error says what is wrong with an assembly and what to do about it.
type Error struct {
	Message string // what is wrong and where, lower case, no full stop
	Hint    string // what to do next; may be empty
	Err     error  // the cause; may be nil
}

// Error gives the message; the cause's text is already in it.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
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
