package config

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// mask replaces each character of a secret.
const mask = '█'

// secretShape matches a kind of secret. The secret is the group of the pattern, or
// the whole match if there is none.
type secretShape struct {
	name    string
	pattern *regexp.Regexp
	accept  func(match string) bool // nil: always
}

// secretShapes are the secrets that must never be in a configuration: by their
// documented prefixes, and AWS secret keys by their form.
var secretShapes = sync.OnceValue(func() []secretShape {
	return []secretShape{
		{name: "a private key", pattern: regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\,:-]*?-----END [A-Z0-9 ]*PRIVATE KEY-----|[A-Za-z0-9+/=\s\\]*)`)},
		{name: "an AWS access key id", pattern: regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
		{name: "a GitHub token", pattern: regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`)},
		{name: "an npm token", pattern: regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
		{name: "a Slack token", pattern: regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`)},
		{name: "a signed token (JWT)", pattern: regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
		{name: "an AWS secret access key", pattern: regexp.MustCompile(`(?i:secret)[A-Za-z_ .-]{0,30}["']?\s{0,5}[:=]\s{0,5}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$)`), accept: mixed},
		{name: "an AWS secret access key", pattern: regexp.MustCompile(`(?:^|[^A-Za-z0-9/+_.-])([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+_.-]|$)`), accept: looksRandom},
	}
})

// secret is the location of a secret, line and column from 1, and its kind.
type secret struct {
	name         string
	line, column int
	width        int // in characters, on its first line
}

// maskSecrets returns the text with every secret masked, character for character,
// and their locations. Only the masked text is parsed and printed, so that no
// message can contain a secret.
func maskSecrets(text string) (string, []secret) {
	var found []secret
	for _, shape := range secretShapes() {
		text, found = shape.mask(text, found)
	}
	return text, found
}

func (s secretShape) mask(text string, found []secret) (string, []secret) {
	var out strings.Builder
	at, done := startOf(), 0
	for _, match := range s.pattern.FindAllStringSubmatchIndex(text, -1) {
		start, end := match[len(match)-2], match[len(match)-1]
		if s.accept != nil && !s.accept(text[start:end]) {
			continue
		}
		at.advance(text, start)
		first, _, _ := strings.Cut(text[start:end], "\n")
		found = append(found, secret{s.name, at.line, at.column, utf8.RuneCountInString(strings.TrimSpace(first))})
		out.WriteString(text[done:start])
		out.WriteString(masked(text[start:end]))
		done = end
	}
	return out.String() + text[done:], found
}

// masked keeps white space and escapes such as \n, so that the structure of the
// YAML around a secret with several lines is unchanged.
func masked(secret string) string {
	escaped := false
	return strings.Map(func(char rune) rune {
		keep := escaped || char == '\\' || strings.ContainsRune(" \t\r\n", char)
		escaped = char == '\\' && !escaped
		if keep {
			return char
		}
		return mask
	}, secret)
}

// mixed reports whether a text has all three kinds of base64 characters, unlike
// hexadecimal digests and most names.
func mixed(text string) bool {
	return strings.ContainsAny(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") &&
		strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyz") &&
		strings.ContainsAny(text, "0123456789")
}

var wordLike = regexp.MustCompile(`[a-z]{8}|[A-Z]{8}|[0-9]{8}`)

// looksRandom distinguishes 40 characters of base64 from the path of a folder: no long
// run of one kind of character, and few slashes.
func looksRandom(text string) bool {
	return mixed(text) && !wordLike.MatchString(text) && strings.Count(text, "/") < 3
}
