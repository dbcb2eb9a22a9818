package errs

import (
	"strings"
	"unicode"
)

// OneLine puts a text on one line: white space and control characters between words become one space.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
}
