package redact

import (
	"bytes"
	"io"
	"sync"
	"unicode/utf8"
)

const (
	// maxLine is the most that is held of a line without an end, in bytes.
	maxLine = 64 << 10
	// minHold is how much of an endless line is held back when the rest is written, so
	// that a token on the cut is still seen whole. Tokens are shorter.
	minHold = 8 << 10
	// maxKey is the most that is dropped as the body of a private key without an end;
	// an RSA key of 16,384 bits has 13 KB.
	maxKey = 32 << 10
)

// Writer masks what is written through it. It writes whole lines, so that a secret
// split over several writes is still seen. Close writes the rest.
type Writer struct {
	redactor *Redactor
	to       io.Writer

	mu      sync.Mutex
	pending []byte // a line without its end yet
	inKey   bool   // inside a private key, which is dropped up to its end
	dropped int    // bytes dropped of that key
}

// Writer returns a Writer that masks for w. It does not close w.
func (r *Redactor) Writer(w io.Writer) *Writer {
	return &Writer{redactor: r, to: w}
}

// Write accepts all of p unless the underlying writer fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, p...)
	// A progress line ends with a carriage return alone, and must show, too.
	if end := bytes.LastIndexAny(p, "\r\n"); end >= 0 {
		if err := w.pass(len(w.pending) - len(p) + end + 1); err != nil {
			return 0, err
		}
	}
	for len(w.pending) > maxLine+w.hold() {
		if err := w.pass(w.cut()); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close writes an unfinished last line. The underlying writer stays open.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(len(w.pending))
}

// hold returns how many bytes of an endless line are held back to see a secret whole.
func (w *Writer) hold() int {
	if w.redactor == nil {
		return minHold
	}
	w.redactor.mu.RLock()
	defer w.redactor.mu.RUnlock()
	return max(minHold, w.redactor.longest)
}

// cut returns where an endless line can be cut without cutting a secret, what makes it
// known, or a character.
func (w *Writer) cut() int {
	at := len(w.pending) - w.hold()
	for _, secret := range w.redactor.find(string(w.pending)) {
		if secret.from < at && at < secret.end {
			return secret.end
		}
	}
	for back := at; back > at-utf8.UTFMax; back-- {
		if utf8.RuneStart(w.pending[back]) {
			return back
		}
	}
	return at
}

// pass writes the first n pending bytes, masked.
func (w *Writer) pass(n int) error {
	text := w.skipKey(string(w.pending[:n]))
	w.pending = append(w.pending[:0], w.pending[n:]...)
	if text == "" {
		return nil
	}
	secrets := w.redactor.find(text)
	if last := len(secrets) - 1; last >= 0 && secrets[last].openKey {
		w.inKey, w.dropped = true, secrets[last].end-secrets[last].start
	}
	_, err := io.WriteString(w.to, replace(text, secrets))
	return err
}

// skipKey drops what belongs to a private key that began earlier. Text that does not
// look like a key ends it: a first line alone hides nothing else.
func (w *Writer) skipKey(text string) string {
	if !w.inKey {
		return text
	}
	n, state := keyBody(text)
	if w.dropped += n; state == keyOpen && w.dropped < maxKey {
		return ""
	}
	w.inKey = false
	if rest := text[n:]; state == keyEnded || rest == "" || isLineBreak(rest) {
		return rest
	}
	return "\n" + text[n:] // the line end was dropped with the key
}
