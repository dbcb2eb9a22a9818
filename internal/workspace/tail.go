package workspace

import (
	"bytes"
	"strings"
)

const (
	tailLines = 20
	tailBytes = 4 << 10
)

// tail keeps the end of what is written to it: the last 20 lines, and at most
// 4 KiB of them.
type tail struct {
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-2*tailBytes):]...)
	if len(t.kept) > 4*tailBytes {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-tailBytes:]...)
	}
	return len(p), nil
}

// open says whether the last line has no end.
func (t *tail) open() bool { return len(t.kept) > 0 && t.kept[len(t.kept)-1] != '\n' }

// String gives whole lines without the last line end; of a single long line its end.
func (t *tail) String() string {
	text := bytes.TrimRight(t.kept, "\r\n \t")
	if len(text) > tailBytes {
		text = text[len(text)-tailBytes:]
		if _, whole, found := bytes.Cut(text, []byte("\n")); found {
			text = whole
		}
	}
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
