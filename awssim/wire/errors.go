package wire

import (
	"fmt"
	"net/http"
)

// Error is an error in AWS's words.
type Error struct {
	Code    string
	Message string
	Status  int               // HTTP status
	Header  map[string]string // further headers, such as x-amz-bucket-region
	Fields  map[string]string // further members of the error document
	// Common marks an error that every service has under its own code; it is
	// renamed for the protocol when it is written.
	Common Common
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an error with a service's own code and status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// WithStatus sets the HTTP status.
func (e *Error) WithStatus(status int) *Error {
	e.Status = status
	return e
}

// WithHeader adds a response header.
func (e *Error) WithHeader(name, value string) *Error {
	if e.Header == nil {
		e.Header = map[string]string{}
	}
	e.Header[name] = value
	return e
}

// WithField adds a member to the error document.
func (e *Error) WithField(name, value string) *Error {
	if e.Fields == nil {
		e.Fields = map[string]string{}
	}
	e.Fields[name] = value
	return e
}

// Common is an error that every service can return.
type Common int

// The common errors. NotCommon is a service's own error.
const (
	NotCommon Common = iota
	AccessDenied
	ExpiredToken
	InternalError
	InvalidToken
	MissingAuthentication
	SignatureMismatch
	Skewed
	ServiceUnavailable
	Throttled
	UnknownAccessKey
	UnknownOperation
	ValidationFailed
)

// Commonf makes an error that every service can return.
func Commonf(common Common, format string, args ...any) *Error {
	return &Error{Common: common, Message: fmt.Sprintf(format, args...)}
}
