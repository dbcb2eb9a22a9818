package redact

import (
	"slices"
	"strings"
	"sync"
)

// Mask replaces a secret.
const Mask = "[redacted]"

// Shortest is the length in bytes below which a value is not masked: masking
// "dev" or "true" everywhere would make a log unreadable and protect nothing.
const Shortest = 6

// Redactor masks secrets in text. The zero value, and nil, mask well-known patterns
// only. It is safe for concurrent use, also while secrets are added.
type Redactor struct {
	mu       sync.RWMutex
	literals []string // every encoding of every secret
	wrapping []string // those of base64, which programs wrap
	longest  int      // bytes of the longest of them
}

// New makes a Redactor that masks the given values and the well-known patterns.
func New(secrets ...string) *Redactor {
	r := &Redactor{}
	for _, secret := range secrets {
		r.Add(secret)
	}
	return r
}

// Add masks one more value from now on, also base64- and URL-encoded. Values
// shorter than 6 bytes are ignored; each line of a value with several lines is
// masked by itself, since output is searched line by line.
func (r *Redactor) Add(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range strings.FieldsFunc(secret, isLineEnd) {
		for _, form := range formsOf(strings.TrimSpace(line)) {
			if len(form) < Shortest || slices.Contains(r.literals, form) {
				continue
			}
			r.literals = append(r.literals, form)
			r.longest = max(r.longest, len(form))
		}
		for _, form := range base64Forms(strings.TrimSpace(line)) {
			if !slices.Contains(r.wrapping, form) {
				r.wrapping = append(r.wrapping, form)
			}
		}
	}
}

// String returns s with every secret replaced by Mask.
func (r *Redactor) String(s string) string {
	return replace(s, r.find(s))
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// span is the half-open byte range of one secret.
type span struct {
	start, end int
	from       int  // where what makes it known begins, such as the name before a value
	openKey    bool // it is a private key that may go on behind the text
}

// find returns the ranges of s that are secret, sorted and not overlapping.
func (r *Redactor) find(s string) []span {
	var literals, wrapping []string
	if r != nil { // then the well-known patterns only
		r.mu.RLock()
		literals, wrapping = r.literals, r.wrapping
		r.mu.RUnlock()
	}
	var found []span
	for _, literal := range literals {
		found = appendLiteral(found, s, literal)
	}
	for _, p := range patterns {
		found = p.appendTo(found, s)
	}
	if len(wrapping) > 0 {
		lines := encodedLines(s)
		for _, form := range wrapping {
			found = appendWrapped(found, s, form, lines)
		}
	}
	return merge(findKeys(appendEncoded(found, s), s))
}

func appendLiteral(found []span, s, literal string) []span {
	for from := 0; ; {
		at := strings.Index(s[from:], literal)
		if at < 0 {
			return found
		}
		start := from + at
		found = append(found, span{start: start, end: start + len(literal), from: start})
		from = start + 1 // occurrences may overlap: "abcabcabc"
	}
}

func merge(found []span) []span {
	slices.SortFunc(found, func(a, b span) int { return a.start - b.start })
	merged := found[:0]
	for _, next := range found {
		if last := len(merged) - 1; last >= 0 && next.start <= merged[last].end {
			merged[last].end = max(merged[last].end, next.end)
			merged[last].from = min(merged[last].from, next.from)
			merged[last].openKey = merged[last].openKey || next.openKey
			continue
		}
		merged = append(merged, next)
	}
	return merged
}

func replace(s string, secrets []span) string {
	if len(secrets) == 0 {
		return s
	}
	var out strings.Builder
	from := 0
	for _, secret := range secrets {
		out.WriteString(s[from:secret.start])
		out.WriteString(Mask)
		from = secret.end
	}
	out.WriteString(s[from:])
	return out.String()
}
