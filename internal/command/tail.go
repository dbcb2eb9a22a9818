package command

import (
	"bytes"
	"strings"
)

const (
	keptBytes = 64 << 10
	lastLines = 20
	lastBytes = 4 << 10
)

// Tail keeps the end of what is written to it: at least the last 64 KiB.
type Tail struct{ kept []byte }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-keptBytes):]...)
	if len(t.kept) > 2*keptBytes {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-keptBytes:]...)
	}
	return len(p), nil
}

// Open reports whether the last line has no end.
func (t *Tail) Open() bool { return len(t.kept) > 0 && t.kept[len(t.kept)-1] != '\n' }

// String returns all that is kept.
func (t *Tail) String() string { return string(t.kept) }

// Quoted returns the end of an output as the end of an error message; "" for none.
func Quoted(last string) string {
	if last == "" {
		return ""
	}
	return "\n  last output:\n    " + strings.ReplaceAll(last, "\n", "\n    ")
}

// Last returns the end of the output for messages: the last 20 lines, at most 4 KiB, as
// whole lines without the last line end; of a single long line its end.
func (t *Tail) Last() string {
	text := bytes.TrimRight(t.kept, "\r\n \t")
	if len(text) > lastBytes {
		text = text[len(text)-lastBytes:]
		if _, whole, found := bytes.Cut(text, []byte("\n")); found {
			text = whole
		}
	}
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
