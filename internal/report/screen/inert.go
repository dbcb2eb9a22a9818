package screen

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Inert returns text that a terminal only shows: control characters as text, such as
// \x1b and \u009b, what reverses the direction of writing as well, and a carriage
// return as a line end. Colours and other styles are dropped.
func Inert(text string) string {
	if !strings.ContainsFunc(text, isActive) && utf8.ValidString(text) {
		return text
	}
	text = styles.ReplaceAllString(text, "")
	text = lineEnds.Replace(text)
	var out strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[at])
		case r < ' ' && isActive(r):
			fmt.Fprintf(&out, `\x%02x`, r)
		case isActive(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
		at += size
	}
	return out.String()
}

// styled is Inert but for our own styles.
func styled(text string) string {
	var out strings.Builder
	at := 0
	for _, own := range ownStyles.FindAllStringIndex(text, -1) {
		out.WriteString(Inert(text[at:own[0]]) + text[own[0]:own[1]])
		at = own[1]
	}
	out.WriteString(Inert(text[at:]))
	return out.String()
}

var (
	ownStyles = regexp.MustCompile(`\x1b\[(?:[0-2]|3[1-6])m`)
	styles    = regexp.MustCompile(`\x1b\[[0-9;:]*m`)
	lineEnds  = strings.NewReplacer("\r\n", "\n", "\r", "\n")
)

// isActive reports whether a terminal does more with a character than show it: controls
// (C1 among them), and marks, embeddings, overrides and isolates of direction.
func isActive(r rune) bool {
	return isControl(r) || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// InertWriter makes what is written through it Inert. Whole lines should be written.
type InertWriter struct {
	to     io.Writer
	styled bool
}

// NewInertWriter returns an InertWriter that writes to w.
func NewInertWriter(w io.Writer) InertWriter { return InertWriter{to: w} }

// NewStyledWriter returns an InertWriter that leaves the colours that programs of this
// product use.
func NewStyledWriter(w io.Writer) InertWriter { return InertWriter{w, true} }

// Write accepts all of p unless the underlying writer fails.
func (w InertWriter) Write(p []byte) (int, error) {
	text := Inert
	if w.styled {
		text = styled
	}
	if _, err := io.WriteString(w.to, text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
