package redact

import (
	"encoding/base64"
	"strings"
	"sync"
)

// shortestRun is the length in characters of the base64 of the shortest secret that
// has a well-known pattern, a part of it that is always the same.
const shortestRun = 24

// appendEncoded appends base64 texts that hold a secret with a well-known pattern:
// a token that a command got elsewhere, or a private key, as in a kubeconfig.
func appendEncoded(found []span, s string) []span {
	for at := 0; at < len(s); {
		n := 0
		for at+n < len(s) && isEncoded(s[at+n]) {
			n++
		}
		if n >= shortestRun && holdsSecret(s[at:at+n]) {
			found = append(found, span{start: at, end: at + n, from: at})
		}
		at += n + 1
	}
	return found
}

func isEncoded(c byte) bool { return isBase64(c) || c == '-' || c == '_' }

// holdsSecret reports whether base64, which may begin anywhere in the text, holds a
// secret with a well-known pattern.
func holdsSecret(run string) bool {
	run = standard.Replace(run)
	mayHold := false
	for _, anchor := range encodedAnchors() {
		mayHold = mayHold || strings.Contains(run, anchor)
	}
	if !mayHold {
		return false
	}
	for offset := range 4 {
		rest := run[offset:]
		if len(rest)%4 == 1 {
			rest = rest[:len(rest)-1]
		}
		decoded, err := base64.RawStdEncoding.DecodeString(rest)
		if err != nil {
			continue
		}
		text := string(decoded)
		if len(findKeys(nil, text)) > 0 {
			return true
		}
		for _, p := range patterns {
			if len(p.appendTo(nil, text)) > 0 {
				return true
			}
		}
	}
	return false
}

var standard = strings.NewReplacer("-", "+", "_", "/")

// encodedAnchors are the anchors of the patterns as they are inside base64.
var encodedAnchors = sync.OnceValue(func() (anchors []string) {
	for _, p := range patterns {
		for _, anchor := range p.anchors {
			for before := range 3 {
				anchors = append(anchors, insideBase64(anchor, before))
			}
		}
	}
	for before := range 3 {
		anchors = append(anchors, insideBase64(pemBegin, before))
	}
	return anchors
})

// shortestPart is the length in characters below which a part of a form at the end of a
// line is not masked: it shows less than a value that is too short to be masked.
const shortestPart = 8

// appendWrapped appends the parts of a form of base64 that is wrapped: one that ends a
// line, one that begins a line, and whole lines out of its middle.
func appendWrapped(found []span, s, form string, lines []span) []span {
	if len(form) < 2*shortestPart {
		return found
	}
	head, tail := form[:shortestPart], form[len(form)-shortestPart:]
	for at := strings.Index(s, head); at >= 0; at = next(s, head, at) {
		end := at + commonPrefix(s[at:], form)
		if endsLine(s[end:]) {
			found = append(found, span{start: at, end: end, from: at})
		}
	}
	for at := strings.Index(s, tail); at >= 0; at = next(s, tail, at) {
		end := at + len(tail)
		start := end - commonSuffix(s[:end], form)
		if beginsLine(s[:start]) {
			found = append(found, span{start: start, end: end, from: start})
		}
	}
	for _, line := range lines {
		if line.end-line.start < len(form) && strings.Contains(form, s[line.start:line.end]) {
			found = append(found, line)
		}
	}
	return found
}

// encodedLines returns the lines that are base64 and nothing else.
func encodedLines(s string) (lines []span) {
	for at := 0; at < len(s); {
		if at > 0 && s[at-1] == '\\' && (s[at] == 'n' || s[at] == 'r') { // an escaped line end
			at++
		}
		n := 0
		for at+n < len(s) && isEncoded(s[at+n]) {
			n++
		}
		if n >= 2*shortestPart && beginsLine(s[:at]) && endsLine(s[at+n:]) {
			lines = append(lines, span{start: at, end: at + n, from: at})
		}
		at += n + 1
	}
	return lines
}

// next returns where text occurs behind at, or -1.
func next(s, text string, at int) int {
	if found := strings.Index(s[at+1:], text); found >= 0 {
		return at + 1 + found
	}
	return -1
}

func commonPrefix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// endsLine reports whether a line ends before the rest, also one that is escaped in JSON.
func endsLine(rest string) bool { return rest == "" || strings.ContainsRune("\r\n\\", rune(rest[0])) }

func beginsLine(before string) bool {
	return before == "" || strings.HasSuffix(before, "\n") || strings.HasSuffix(before, "\r") ||
		strings.HasSuffix(before, `\n`) || strings.HasSuffix(before, `\r`)
}
