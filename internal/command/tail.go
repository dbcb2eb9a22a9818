package command

import (
	"bytes"
	"slices"
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
// whole lines without the last line end; of a single long line its end. Of a longer error
// message, such as npm's, it is the beginning, which says what is wrong, and the end.
func (t *Tail) Last() string {
	lines := strings.Split(string(bytes.TrimRight(t.kept, "\r\n \t")), "\n")
	if begin := errorMessage(lines); begin < len(lines)-lastLines {
		const half = lastLines / 2
		message := strings.Join(slices.Concat(lines[begin:begin+half], []string{"…"}, lines[len(lines)-half+1:]), "\n")
		if len(message) <= lastBytes {
			return message
		}
	}
	text := strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
	if len(text) > lastBytes {
		text = text[len(text)-lastBytes:]
		if _, whole, found := strings.Cut(text, "\n"); found {
			text = whole
		}
	}
	return text
}

// errorMessage returns where an error message at the end of an output begins: each of its
// lines begins with the name of the program and "error", as the last one does.
func errorMessage(lines []string) (begin int) {
	begin = len(lines)
	words := strings.SplitN(lines[begin-1], " ", 3)
	if len(words) < 3 || words[1] != "error" && words[1] != "ERR!" {
		return begin
	}
	for begin > 0 && strings.HasPrefix(lines[begin-1], words[0]+" "+words[1]) {
		begin--
	}
	return begin
}
