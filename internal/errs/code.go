package errs

import "errors"

// Code gives the code of an error that AWS answered with, such as AccessDenied; ""
// is an error that AWS did not answer with.
func Code(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}
