package cloudformation

import (
	"fmt"
	"net/http"
)

// Error is an error as CloudFormation returns it.
type Error struct {
	Code    string // such as ValidationError
	Message string
	Status  int // the HTTP status
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// invalidf is the answer to most wrong calls: ValidationError, status 400.
func invalidf(format string, args ...any) *Error {
	return refusal("ValidationError", format, args...)
}

func refusal(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}
