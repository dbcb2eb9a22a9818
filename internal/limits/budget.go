package limits

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrExceeded is what an error of a limit wraps.
var ErrExceeded = errors.New("a limit is exceeded")

// Budget bounds what an archive or a repository may unfold to.
type Budget struct {
	Bytes   int64 // of all files
	Entries int   // files, links and folders
	Depth   int   // folders inside each other
	// Free and Ratio bound in bytes what a small input may unfold to: Free, or
	// Ratio times the size of the input where that is more.
	Free, Ratio int64
}

// Workspace is the budget of a repository at one commit, and of what a build makes
// of it. Large monorepos have some 500,000 files and some GB, and are packed to a
// twentieth at best.
func Workspace() Budget {
	return Budget{Bytes: 32 << 30, Entries: 2_000_000, Depth: 256, Free: 128 << 20, Ratio: 200}
}

// Cache is the budget of the folders that one build leaves for the next ones.
func Cache() Budget {
	b := Workspace()
	b.Bytes, b.Entries = 2<<30, 1_000_000
	return b
}

// Or returns b with the limits of other where b has none.
func (b Budget) Or(other Budget) Budget {
	b.Bytes, b.Free, b.Ratio = or(b.Bytes, other.Bytes), or(b.Free, other.Free), or(b.Ratio, other.Ratio)
	b.Entries, b.Depth = or(b.Entries, other.Entries), or(b.Depth, other.Depth)
	return b
}

func or[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}

// From returns how many bytes an input of that many bytes may unfold to.
func (b Budget) From(input int64) int64 {
	return min(b.Bytes, max(b.Free, saturated(input, b.Ratio)))
}

// saturated multiplies numbers that are not negative; what does not fit is the largest number.
func saturated(a, b int64) int64 {
	if product := a * b; a == 0 || product/a == b {
		return product
	}
	return 1<<63 - 1
}

// Meter counts what is taken of a budget. It may be used from many goroutines.
type Meter struct {
	bytes, entries       atomic.Int64
	maxBytes, maxEntries int64
}

// Meter returns a meter for what an input of that many bytes unfolds to.
func (b Budget) Meter(input int64) *Meter {
	return &Meter{maxBytes: b.From(input), maxEntries: int64(b.Entries)}
}

// Entries takes that many entries, and fails with ErrExceeded when there are too many.
func (m *Meter) Entries(n int) error {
	if m.entries.Add(int64(n)) > m.maxEntries {
		return fmt.Errorf("%w: more than %d files, links and folders", ErrExceeded, m.maxEntries)
	}
	return nil
}

// Bytes takes that many bytes, and fails with ErrExceeded when there are too many.
func (m *Meter) Bytes(n int64) error {
	if n < 0 || n > m.maxBytes || m.bytes.Add(n) > m.maxBytes {
		return fmt.Errorf("%w: more than %s", ErrExceeded, Size(m.maxBytes))
	}
	return nil
}

// Size returns a number of bytes as people write it: "64 MiB", "1000 bytes".
func Size(bytes int64) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := int64(1) << (30 - 10*i); bytes >= size && bytes%size == 0 {
			return fmt.Sprintf("%d %s", bytes/size, unit)
		}
	}
	if bytes > 1<<20 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
