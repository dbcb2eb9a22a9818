package config

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// mask stands for each character of a secret in whatever is shown.
const mask = '█'

// secretShape is what a kind of secret looks like. The group of the pattern,
// if it has one, is the secret; otherwise it is the whole match.
type secretShape struct {
	name    string
	pattern *regexp.Regexp
	accept  func(match string) bool // nil: always
}

// secretShapes are the secrets that must never stand in a configuration:
// prefixes as their issuers document them, and what an AWS secret key looks like.
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

// secret is where a secret was found: line and column from 1, and its kind.
type secret struct {
	name         string
	line, column int
	width        int // in characters, on its first line
}

// maskSecrets returns the text with every secret masked, character for character,
// and where they were. What is parsed and shown afterwards is the masked text
// alone, so that no message can repeat a secret.
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

// masked keeps white space and escapes such as \n, so that the text around a
// secret of several lines is still the same YAML.
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

// mixed reports whether a text has all three kinds of characters of base64, which
// a digest in hex and most names have not.
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
