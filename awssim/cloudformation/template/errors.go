package template

import "fmt"

// Error is an error as the service returns it, complete with its prefix.
type Error string

func (e Error) Error() string { return string(e) }

// formatf is for what is wrong with the form of a template.
func formatf(format string, args ...any) error {
	return Error("Template format error: " + fmt.Sprintf(format, args...))
}

// templatef is for what is wrong with the use of a function.
func templatef(format string, args ...any) error {
	return Error("Template error: " + fmt.Sprintf(format, args...))
}

// validationf is for members that do not belong where they are.
func validationf(format string, args ...any) error {
	return Error("Template validation error: " + fmt.Sprintf(format, args...))
}

func plainf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// TransformError is what a transform has against a template. A change set is
// made all the same, and fails with it.
type TransformError struct{ Name, Reason string }

func (e *TransformError) Error() string {
	return "Transform " + e.Name + " failed with: " + e.Reason
}
