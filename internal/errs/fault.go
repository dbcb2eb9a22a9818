package errs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind says who has to act on an error.
type Kind int

const (
	// Failed is the user's own code, stack or test that failed.
	Failed Kind = iota
	// Invalid is an input or a configuration that is wrong.
	Invalid
	// Temporary is a throttled, interrupted or refused call that may work when tried again.
	Temporary
	// Cancelled is work that was stopped from outside (SIGTERM, Ctrl-C).
	Cancelled
)

// String gives the kind as one lower-case word, as logs and metadata carry it.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Temporary:
		return "temporary"
	case Cancelled:
		return "cancelled"
	default:
		return "failed"
	}
}

// Error is an error for a person: what happened, where, and what to do next.
type Error struct {
	Kind    Kind
	Message string // what happened, lower case, no full stop
	Hint    string // what to do next; may be empty
	Err     error  // the cause; may be nil

	stopped bool // of another kind, had its work not been cancelled
}

// Error gives the message; it already contains the cause's text where the caller formatted it in.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// WithHint sets what the person should do next and returns the same error. What
// was cancelled gets no hint that was meant for a refusal.
func (e *Error) WithHint(format string, args ...any) *Error {
	if e.stopped {
		return e
	}
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Failedf makes an error of kind Failed. It wraps errors given with %w, like fmt.Errorf.
func Failedf(format string, args ...any) *Error { return newf(Failed, format, args...) }

// Invalidf makes an error of kind Invalid. It wraps errors given with %w, like fmt.Errorf.
func Invalidf(format string, args ...any) *Error { return newf(Invalid, format, args...) }

// Temporaryf makes an error of kind Temporary. It wraps errors given with %w, like fmt.Errorf.
func Temporaryf(format string, args ...any) *Error { return newf(Temporary, format, args...) }

// Cancelledf makes an error of kind Cancelled. It wraps errors given with %w, like fmt.Errorf.
func Cancelledf(format string, args ...any) *Error { return newf(Cancelled, format, args...) }

// Stopped words an error that came of a signal for people: what was stopped,
// without what Go's libraries call it, and the hint unless the error has its own.
func Stopped(err error, hint string) *Error {
	text := strings.ReplaceAll(strings.ReplaceAll(err.Error(), ": "+context.Canceled.Error(), ""), context.Canceled.Error(), "it was stopped")
	if own := HintOf(err); own != "" {
		hint = own
	}
	if !strings.Contains(text, "stopped") {
		text = "stopped by a signal: " + text
	}
	return &Error{Kind: Cancelled, Message: text, Hint: hint, Err: err}
}

// newf decides the kind once for all: what we cancelled ourselves was neither
// refused nor failed, whatever its caller takes it for.
func newf(kind Kind, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	if kind != Cancelled && errors.Is(wrapped, context.Canceled) {
		return &Error{Kind: Cancelled, Message: wrapped.Error(), Err: causeOf(wrapped), stopped: true}
	}
	return &Error{Kind: kind, Message: wrapped.Error(), Err: causeOf(wrapped)}
}

// causeOf gives what an error wraps; of one that wraps several, itself.
func causeOf(wrapped error) error {
	if _, several := wrapped.(interface{ Unwrap() []error }); several {
		return wrapped
	}
	return errors.Unwrap(wrapped)
}

// KindOf says of which kind err is: that of the outermost Error in its chain;
// otherwise Cancelled for a cancelled context, Temporary for what IsTemporary
// knows, and Failed for the rest.
func KindOf(err error) Kind {
	var typed *Error
	switch {
	case errors.As(err, &typed):
		return typed.Kind
	case errors.Is(err, context.Canceled):
		return Cancelled
	case IsTemporary(err):
		return Temporary
	default:
		return Failed
	}
}

// HintOf gives the first hint found in err's chain, or "".
func HintOf(err error) string {
	for err != nil {
		var typed *Error
		if !errors.As(err, &typed) {
			return ""
		}
		if typed.Hint != "" {
			return typed.Hint
		}
		err = typed.Err
	}
	return ""
}
