package test

import "io"

// maxLogBytes is how much of the commands' output is kept in the bucket.
const maxLogBytes = 16 << 20

// bounded forwards the first bytes and drops the rest, so that a test with
// endless output does not exhaust memory.
type bounded struct {
	w    io.Writer
	left int
}

// Write forwards p up to the limit.
func (b *bounded) Write(p []byte) (int, error) {
	kept := p[:min(len(p), b.left)]
	b.left -= len(kept)
	if len(kept) > 0 {
		if _, err := b.w.Write(kept); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
