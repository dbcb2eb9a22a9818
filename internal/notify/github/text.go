package github

import (
	"strings"
	"unicode/utf8"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// line returns a text of others as one line of so many characters, without any that a terminal
// or a browser obeys. GitHub refuses characters above U+FFFF in descriptions.
func line(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r > 0xffff {
			return utf8.RuneError
		}
		return r
	}, screen.Inert(strings.Join(strings.Fields(text), " ")))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
