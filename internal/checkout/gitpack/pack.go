package gitpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

const hashSize = len(plumbing.ZeroHash)

// ErrMalformed reports that the data is not a valid pack.
var ErrMalformed = errors.New("malformed pack")

// ErrMissing reports that the pack has no object of that name and kind.
var ErrMissing = errors.New("object is not in the pack")

// Pack is a pack in a file, with an index of its objects. It is safe for concurrent use.
type Pack struct {
	file     io.ReaderAt
	tempDir  string // for objects that are too large for memory
	size     int64  // without the checksum at the end
	checksum plumbing.Hash
	entries  []*entry         // in the order of the file
	byOffset map[int64]*entry // while it is received
	byHash   map[plumbing.Hash]*entry
	inMemory atomic.Int64 // bytes of objects that are held in memory
}

// entry is one object as stored in the pack.
type entry struct {
	offset int64 // of its header
	data   int64 // offset of its compressed data
	size   int64 // of the data when inflated: the object, or the delta
	whole  int64 // of the object
	stored plumbing.ObjectType
	base   *entry        // of an offset delta
	ref    plumbing.Hash // of the base of a reference delta
	kind   plumbing.ObjectType
	hash   plumbing.Hash // zero until known
	depth  int           // length of its chain of deltas
	kept   *bytes.Buffer // the inflated data, or nil
}

// Checksum returns the checksum of the pack, which is also its name.
func (p *Pack) Checksum() plumbing.Hash { return p.checksum }

// Objects returns the number of objects in the pack.
func (p *Pack) Objects() int { return len(p.entries) }

// Has reports whether the pack has an object.
func (p *Pack) Has(hash plumbing.Hash) bool { return p.byHash[hash] != nil }

// Size returns the number of bytes received.
func (p *Pack) Size() int64 { return p.size + int64(hashSize) }

// ObjectSize returns the number of bytes of an object. It fails with ErrMissing if the
// pack does not have it.
func (p *Pack) ObjectSize(hash plumbing.Hash) (int64, error) {
	e := p.byHash[hash]
	if e == nil {
		return 0, fmt.Errorf("object %s: %w", hash, ErrMissing)
	}
	return e.whole, nil
}

// Read returns an object, which must be of the given kind and at most limit bytes. It
// fails with ErrMissing if the pack does not have it.
func (p *Pack) Read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	if e := p.byHash[hash]; e != nil && e.kind == kind && e.whole > limit {
		return nil, fmt.Errorf("%s %s has %d bytes, more than the limit of %d", kind, hash, e.whole, limit)
	}
	found, err := p.content(hash, kind)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	data := make([]byte, found.Size())
	_, err = found.ReadAt(data, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data, err
}

// Copy writes the content of a blob to w and returns its size. It fails with ErrMissing
// if the pack does not have it.
func (p *Pack) Copy(w io.Writer, hash plumbing.Hash) (int64, error) {
	e := p.byHash[hash]
	if e != nil && e.stored == plumbing.BlobObject && e.kept == nil {
		return p.inflate(w, e)
	}
	found, err := p.content(hash, plumbing.BlobObject)
	if err != nil {
		return 0, err
	}
	defer found.Close()
	if whole, ok := found.(inMemory); ok {
		return whole.WriteTo(w)
	}
	return io.Copy(w, io.NewSectionReader(found, 0, found.Size()))
}

func (p *Pack) content(hash plumbing.Hash, kind plumbing.ObjectType) (content, error) {
	e := p.byHash[hash]
	if e == nil {
		return nil, fmt.Errorf("%s %s: %w", kind, hash, ErrMissing)
	}
	if e.kind != kind {
		return nil, fmt.Errorf("%s is a %s, not a %s: %w", hash, e.kind, kind, ErrMissing)
	}
	return p.load(e)
}

// load returns the content of an object, with its deltas applied.
func (p *Pack) load(e *entry) (content, error) {
	if e.kept != nil {
		return inMemory{bytes.NewReader(e.kept.Bytes()), nil}, nil
	}
	if !e.stored.IsDelta() {
		return p.hold(e.size, func(w io.Writer) error {
			_, err := p.inflate(w, e)
			return err
		})
	}
	base, err := p.load(e.baseIn(p))
	if err != nil {
		return nil, err
	}
	defer base.Close()
	return p.patch(base, e)
}

// baseIn returns the base of a delta that is resolved, so that its base is known, too.
func (e *entry) baseIn(p *Pack) *entry {
	if e.stored == plumbing.REFDeltaObject {
		return p.byHash[e.ref]
	}
	return e.base
}
