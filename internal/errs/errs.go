package errs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind states who has to act on an error.
type Kind int

const (
	// Failed is the user's own code, stack or test that failed.
	Failed Kind = iota
	// Invalid is an invalid input or configuration.
	Invalid
	// Temporary is a throttled, interrupted or refused call that may succeed on retry.
	Temporary
	// Cancelled is work that a signal or Ctrl-C interrupted.
	Cancelled
	// Superseded is work that a newer commit makes needless.
	Superseded
	// Held is work that a gate of its environment keeps from beginning.
	Held
)

// String returns the kind in lower case, as in logs and records.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Temporary:
		return "temporary"
	case Cancelled:
		return "cancelled"
	case Superseded:
		return "superseded"
	case Held:
		return "held"
	default:
		return "failed"
	}
}

// Error is an error for the user: what happened, where, and what to do next.
type Error struct {
	Kind    Kind
	Message string // what happened, lower case, no full stop
	Hint    string // what to do next; may be empty
	Err     error  // the cause; may be nil

	stopped bool // of another kind, had its work not been cancelled
}

// Error returns the message, including the text of a cause wrapped with %w.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// WithHint sets what the user should do next and returns the same error. A
// cancelled operation keeps no hint that was written for a failure.
func (e *Error) WithHint(format string, args ...any) *Error {
	if e.stopped {
		return e
	}
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Failedf returns an error of kind Failed. It wraps errors given with %w, like fmt.Errorf.
func Failedf(format string, args ...any) *Error { return newf(Failed, format, args...) }

// Invalidf returns an error of kind Invalid. It wraps errors given with %w, like fmt.Errorf.
func Invalidf(format string, args ...any) *Error { return newf(Invalid, format, args...) }

// Temporaryf returns an error of kind Temporary. It wraps errors given with %w, like fmt.Errorf.
func Temporaryf(format string, args ...any) *Error { return newf(Temporary, format, args...) }

// Cancelledf returns an error of kind Cancelled. It wraps errors given with %w, like fmt.Errorf.
func Cancelledf(format string, args ...any) *Error { return newf(Cancelled, format, args...) }

// Supersededf returns an error of kind Superseded. It wraps errors given with %w, like fmt.Errorf.
func Supersededf(format string, args ...any) *Error { return newf(Superseded, format, args...) }

// Heldf returns an error of kind Held. It wraps errors given with %w, like fmt.Errorf.
func Heldf(format string, args ...any) *Error { return newf(Held, format, args...) }

// Stopped returns a Cancelled error for work that a signal interrupted. It removes
// the wording of Go's context package and sets hint unless err has one.
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

// newf returns a Cancelled error for a cancelled context, whatever kind the caller
// asks for: cancelled work neither failed nor was refused.
func newf(kind Kind, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	if kind != Cancelled && errors.Is(wrapped, context.Canceled) {
		return &Error{Kind: Cancelled, Message: wrapped.Error(), Err: causeOf(wrapped), stopped: true}
	}
	return &Error{Kind: kind, Message: wrapped.Error(), Err: causeOf(wrapped)}
}

// causeOf returns what an error wraps; of one that wraps several, itself.
func causeOf(wrapped error) error {
	if _, several := wrapped.(interface{ Unwrap() []error }); several {
		return wrapped
	}
	return errors.Unwrap(wrapped)
}

// KindOf returns the kind of the outermost Error in err's chain. Without one it
// returns Cancelled for a cancelled context, Temporary if IsTemporary reports true,
// and Failed otherwise.
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

// HintOf returns the first hint found in err's chain, or "". A full disk always has one.
func HintOf(err error) string {
	for rest := err; rest != nil; {
		var typed *Error
		if !errors.As(rest, &typed) {
			break
		}
		if typed.Hint != "" {
			return typed.Hint
		}
		rest = typed.Err
	}
	if isFullDisk(err) {
		return fullDiskHint
	}
	return ""
}
