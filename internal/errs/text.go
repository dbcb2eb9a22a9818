package errs

import (
	"strings"
	"unicode"
)

// OneLine joins text into one line: each run of white space and control characters becomes one space.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
}
