package cloudformation

import "github.com/aphex/aphex-pipeline/awssim/wire"

// invalidf is the answer to most wrong calls: ValidationError, status 400.
func invalidf(format string, args ...any) *wire.Error {
	return refusal("ValidationError", format, args...)
}

func refusal(code, format string, args ...any) *wire.Error { return wire.Errorf(code, format, args...) }
