package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// textProblem returns why the bytes are not valid YAML text, with the offset of the
// first invalid byte; the message is empty for valid text.
func textProblem(text []byte) (message, hint string, offset int) {
	switch {
	case len(text) > sizeLimit:
		return fmt.Sprintf("the file is too big: expected at most %d KiB", sizeLimit>>10), "", 0
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return "the file is UTF-16: expected UTF-8", "save it with the encoding UTF-8", 0
	case !utf8.Valid(text):
		return "the text is not UTF-8", "save the file with the encoding UTF-8", invalidAt(text)
	}
	if at := bytes.IndexFunc(text, forbidden); at >= 0 {
		char, _ := utf8.DecodeRune(text[at:])
		return fmt.Sprintf("the control character %U is not allowed in YAML", char), "remove it", at
	}
	return "", "", 0
}

// forbidden reports whether a character is not allowed in YAML (YAML 1.2.2,
// production c-printable).
func forbidden(char rune) bool {
	switch {
	case char == '\t', char == '\n', char == '\r', char == 0x85:
		return false
	case char < 0x20, char >= 0x7f && char < 0xa0:
		return true
	}
	return char == 0xfffe || char == 0xffff
}

func invalidAt(text []byte) int {
	offset := 0
	for offset < len(text) {
		char, size := utf8.DecodeRune(text[offset:])
		if char == utf8.RuneError && size <= 1 {
			return offset
		}
		offset += size
	}
	return offset
}

// splitLines splits a text at the line breaks of YAML.
func splitLines(text string) []string {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(text), "\n")
}

// cursor is a position in a text: a byte's offset with its line and column, both
// counted from 1, the column in characters.
type cursor struct{ offset, line, column int }

func startOf() cursor { return cursor{line: 1, column: 1} }

// advance moves to a later offset; it reads only the bytes in between.
func (c *cursor) advance(text string, offset int) {
	for c.offset < offset {
		char, size := utf8.DecodeRuneInString(text[c.offset:])
		if endsLine(text, c.offset, char) {
			c.line++
			c.column = 0
		}
		c.offset += size
		c.column++
	}
}

func endsLine(text string, offset int, char rune) bool {
	switch char {
	case '\n', 0x85, 0x2028, 0x2029:
		return true
	case '\r':
		return !strings.HasPrefix(text[offset:], "\r\n")
	}
	return false
}
