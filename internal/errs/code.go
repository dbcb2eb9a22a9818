package errs

import "errors"

// Code returns the error code of an AWS response, such as AccessDenied, or "" if
// err is not an AWS response.
func Code(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}
