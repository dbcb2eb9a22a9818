package gitpack

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

const (
	headerSize = 12
	// keepObject and keepAll limit the inflated data that is kept, per object and in all, in bytes.
	keepObject = 1 << 20
	keepAll    = 24 << 20
)

// File is the file of a pack.
type File interface {
	io.Writer
	io.ReaderAt
}

// Receive reads a pack from r to its end, writes it to file, and parses it while it
// arrives. Bases of deltas above a megabyte are kept in files in tempDir. It fails with
// ErrMalformed if the pack is invalid, with limits.ErrExceeded if its objects exceed the
// budget, and with the error of r if r ends early.
func Receive(ctx context.Context, r io.Reader, file File, tempDir string, budget limits.Budget) (*Pack, error) {
	receiver := &receiver{sum: sha1.New(), budget: budget}
	receiver.in = bufio.NewReaderSize(io.TeeReader(r, io.MultiWriter(file, receiver)), 64<<10)
	pack := &Pack{file: file, tempDir: tempDir, byOffset: map[int64]*entry{}, byHash: map[plumbing.Hash]*entry{}}
	if err := receiver.receive(ctx, pack); err != nil {
		return nil, fmt.Errorf("receiving the pack: %w", unexpected(err))
	}
	pack.byOffset = nil
	if err := pack.resolve(ctx); err != nil {
		return nil, fmt.Errorf("resolving the pack's deltas: %w", unexpected(err))
	}
	return pack, nil
}

// unexpected turns an EOF in the middle of the data into io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// receiver parses a pack while it arrives.
type receiver struct {
	in    *bufio.Reader
	taken int64 // bytes read from the source, including buffered ones
	held  []byte
	kept  int64 // bytes of objects kept in memory
	sum   hash.Hash
	zip   io.ReadCloser
	copy  []byte

	budget   limits.Budget
	inflated int64 // bytes of all data so far
	made     int64 // bytes of the objects that deltas announce
}

// Write receives every byte of the pack. The last 20 are the checksum of the others.
func (r *receiver) Write(p []byte) (int, error) {
	r.taken += int64(len(p))
	r.held = append(r.held, p...)
	if known := len(r.held) - hashSize; known > 0 {
		r.sum.Write(r.held[:known])
		r.held = append(r.held[:0], r.held[known:]...)
	}
	return len(p), nil
}

func (r *receiver) offset() int64 { return r.taken - int64(r.in.Buffered()) }

func (r *receiver) receive(ctx context.Context, pack *Pack) error {
	count, err := r.header()
	if err != nil {
		return err
	}
	r.copy = make([]byte, 32<<10)
	hasher := plumbing.NewHasher(plumbing.BlobObject, 0)
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, err := r.entry(pack, hasher)
		if err != nil {
			return err
		}
		pack.entries = append(pack.entries, e)
		pack.byOffset[e.offset] = e
	}
	pack.size = r.offset()
	if r.made > r.budget.From(r.taken)-r.inflated {
		return tooMuch(r.budget.From(r.taken))
	}
	return r.trailer(pack)
}

func (r *receiver) header() (count uint32, err error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return 0, err
	}
	version, count := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:])
	if string(head[:4]) != "PACK" || version != 2 {
		return 0, fmt.Errorf("%w: header %q, version %d, %d objects", ErrMalformed, head[:4], version, count)
	}
	if int64(count) > int64(r.budget.Entries) {
		return 0, fmt.Errorf("%w: the pack has %d objects, more than %d", limits.ErrExceeded, count, r.budget.Entries)
	}
	return count, nil
}

func (r *receiver) trailer(pack *Pack) error {
	if _, err := io.ReadFull(r.in, pack.checksum[:]); err != nil {
		return err
	}
	if _, err := r.in.ReadByte(); err != io.EOF {
		return fmt.Errorf("%w: more data than announced", ErrMalformed)
	}
	if !bytes.Equal(r.sum.Sum(nil), pack.checksum[:]) {
		return fmt.Errorf("%w: its checksum is wrong", ErrMalformed)
	}
	return nil
}

// entry reads one object and, unless it is a delta, computes its name.
func (r *receiver) entry(pack *Pack, hasher plumbing.Hasher) (*entry, error) {
	e := &entry{offset: r.offset()}
	if err := r.entryHeader(pack, e); err != nil {
		return nil, err
	}
	e.data = r.offset()
	if e.stored.IsDelta() {
		return e, r.delta(e)
	}
	e.whole = e.size
	begin(hasher, e.stored, e.size)
	if err := r.inflate(r.keep(hasher, e), e); err != nil {
		return nil, err
	}
	e.kind, e.hash = e.stored, hasher.Sum()
	return e, nil
}

// delta reads a delta and adds up the sizes of the results, before any delta is applied.
func (r *receiver) delta(e *entry) error {
	head := &beginning{}
	if err := r.inflate(head, e); err != nil {
		return err
	}
	sizes := &delta{in: bufio.NewReader(bytes.NewReader(head.kept)), at: e.offset}
	if _, err := sizes.size(); err != nil {
		return unexpected(err)
	}
	var err error
	if e.whole, err = sizes.size(); err != nil {
		return unexpected(err)
	}
	if r.made += e.whole; r.made > r.budget.Bytes || r.made < 0 {
		return tooMuch(r.budget.Bytes)
	}
	return nil
}

// beginning keeps the first bytes that are written to it: the two sizes of a delta
// have at most 9 bytes each.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), 18-len(b.kept))]...)
	return len(p), nil
}

func tooMuch(most int64) error {
	return fmt.Errorf("%w: the objects of the pack have more than %s", limits.ErrExceeded, limits.Size(most))
}

// inflating counts inflated bytes and stops when they exceed what the bytes received so far allow.
type inflating struct {
	to io.Writer
	r  *receiver
}

func (i inflating) Write(p []byte) (int, error) {
	if i.r.inflated += int64(len(p)); i.r.inflated > i.r.budget.From(i.r.taken) {
		return 0, tooMuch(i.r.budget.From(i.r.taken))
	}
	return i.to.Write(p)
}

// keep also keeps the object in memory while there is room, so that it is not inflated
// again. Inflating is most of the work of a checkout.
func (r *receiver) keep(hasher plumbing.Hasher, e *entry) io.Writer {
	if e.size > keepObject || r.kept+e.size > keepAll {
		return hasher
	}
	r.kept += e.size
	kept := bytes.NewBuffer(make([]byte, 0, e.size))
	e.kept = kept
	return io.MultiWriter(hasher, kept)
}

// begin starts a hash with git's header of an object.
func begin(hasher plumbing.Hasher, kind plumbing.ObjectType, size int64) {
	hasher.Reset()
	fmt.Fprintf(hasher, "%s %d\x00", kind, size)
}

// entryHeader reads kind and size, in groups of 4 and then 7 bits, lowest first, and the
// base of a delta.
func (r *receiver) entryHeader(pack *Pack, e *entry) error {
	first, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	e.stored = plumbing.ObjectType(first >> 4 & 7)
	e.size = int64(first & 15)
	for shift, next := 4, first; next&0x80 != 0; shift += 7 {
		if next, err = r.in.ReadByte(); err != nil {
			return err
		}
		if shift > 56 {
			return fmt.Errorf("%w: size of the object at %d", ErrMalformed, e.offset)
		}
		e.size |= int64(next&0x7f) << shift
	}
	return r.base(pack, e)
}

func (r *receiver) base(pack *Pack, e *entry) error {
	switch e.stored {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		return nil
	case plumbing.REFDeltaObject:
		_, err := io.ReadFull(r.in, e.ref[:])
		return err
	case plumbing.OFSDeltaObject:
		distance, err := r.distance()
		if err != nil {
			return err
		}
		if e.base = pack.byOffset[e.offset-distance]; e.base == nil {
			return fmt.Errorf("%w: the delta at %d has no base", ErrMalformed, e.offset)
		}
		return nil
	}
	return fmt.Errorf("%w: kind %d of the object at %d", ErrMalformed, e.stored, e.offset)
}

// distance reads the distance back to a base: groups of 7 bits, highest first, where each
// further byte adds one, so that no value has two encodings.
func (r *receiver) distance() (int64, error) {
	next, err := r.in.ReadByte()
	value := int64(next & 0x7f)
	for err == nil && next&0x80 != 0 {
		if value > 1<<54 {
			return 0, fmt.Errorf("%w: distance of a base", ErrMalformed)
		}
		next, err = r.in.ReadByte()
		value = (value+1)<<7 | int64(next&0x7f)
	}
	return value, err
}

// inflate writes the data of e, which must have exactly the announced size.
func (r *receiver) inflate(w io.Writer, e *entry) (err error) {
	if r.zip == nil {
		r.zip, err = zlib.NewReader(r.in)
	} else {
		err = r.zip.(zlib.Resetter).Reset(r.in, nil)
	}
	if err != nil {
		return malformed(err, e)
	}
	n, err := io.CopyBuffer(inflating{w, r}, io.LimitReader(onlyReader{r.zip}, e.size+1), r.copy)
	return checkSize(n, err, e)
}

// onlyReader hides WriteTo, which would read without a limit.
type onlyReader struct{ io.Reader }
