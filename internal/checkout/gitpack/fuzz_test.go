package gitpack_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// kept is a pack in memory.
type kept struct{ bytes.Buffer }

func (k *kept) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(k.Bytes()).ReadAt(p, at)
}

// small keeps a bomb that is found from slowing down the search for others.
var small = limits.Budget{Bytes: 1 << 20, Entries: 1000, Free: 1 << 16, Ratio: 20}

// receiveAny receives whatever data are, and reads what came of them.
func receiveAny(t *testing.T, data []byte, temporary string) {
	file := &kept{}
	p, err := gitpack.Receive(t.Context(), bytes.NewReader(data), file, temporary, small)
	if err != nil {
		return
	}
	if err := p.WriteIndex(io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []plumbing.ObjectType{plumbing.BlobObject, plumbing.TreeObject} {
		_, _ = p.Read(plumbing.ComputeHash(kind, nil), kind, 1<<16)
	}
}

// FuzzReceive holds that no bytes that a git server may send make the receiver panic,
// hang, or take more than its budget.
func FuzzReceive(f *testing.F) {
	f.Add(made())
	f.Add(made(blob(3)))
	f.Add(made(blob(100), copies(1, 100, 2), copies(2, 100, 1)))
	temporary := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		receiveAny(t, data, temporary)
		if len(data) >= 20 {
			receiveAny(t, resealed(data), temporary) // an attacker computes the checksum
		}
	})
}

// FuzzDelta holds the same of the instructions of a delta, which a checksum and a
// compression around them keep FuzzReceive from.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("0123456789"), []byte("\x0a\x0a\x90\x0a"))
	f.Add([]byte("0123456789"), []byte("\x0a\x0f\x91\x05\x05\x05hello\x05world"))
	f.Add([]byte(""), []byte("\x00\x01\x01x"))
	temporary := f.TempDir()
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if len(base)+len(delta) > 1<<14 {
			return
		}
		receiveAny(t, made(
			object{kind: plumbing.BlobObject, size: int64(len(base)), data: bytes.NewReader(base)},
			object{kind: plumbing.OFSDeltaObject, back: 1, size: int64(len(delta)), data: bytes.NewReader(delta)},
		), temporary)
	})
}
