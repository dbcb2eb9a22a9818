package gitpack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// inflater holds the buffers for reading one object, which are reused.
type inflater struct {
	in   *bufio.Reader
	zip  io.ReadCloser
	copy []byte
}

var inflaters = sync.Pool{New: func() any {
	return &inflater{in: bufio.NewReaderSize(nil, 16<<10), copy: make([]byte, 32<<10)}
}}

// open returns the inflated data of e. Closing it returns the inflater to the pool.
func (p *Pack) open(e *entry) (*inflater, error) {
	i := inflaters.Get().(*inflater)
	i.in.Reset(io.NewSectionReader(p.file, e.data, p.size-e.data))
	var err error
	if i.zip == nil {
		i.zip, err = zlib.NewReader(i.in)
	} else {
		err = i.zip.(zlib.Resetter).Reset(i.in, nil)
	}
	if err != nil {
		return nil, malformed(err, e)
	}
	return i, nil
}

func (i *inflater) close() { inflaters.Put(i) }

// inflate writes the data of e to w and returns its size.
func (p *Pack) inflate(w io.Writer, e *entry) (int64, error) {
	i, err := p.open(e)
	if err != nil {
		return 0, err
	}
	defer i.close()
	n, err := io.CopyBuffer(onlyWriter{w}, io.LimitReader(onlyReader{i.zip}, e.size+1), i.copy)
	return n, checkSize(n, err, e)
}

// onlyWriter hides ReadFrom, which would allocate another buffer.
type onlyWriter struct{ io.Writer }

// checkSize fails unless the data of e has the size in its header. A decompression bomb
// is detected one byte after that size.
func checkSize(n int64, err error, e *entry) error {
	if err != nil {
		return malformed(err, e)
	}
	if n != e.size {
		return fmt.Errorf("%w: the object at %d is not of the announced size", ErrMalformed, e.offset)
	}
	return nil
}

// malformed returns ErrMalformed for broken compression, else err, such as a full disk.
func malformed(err error, e *entry) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrDictionary) {
		return fmt.Errorf("%w: the object at %d: %w", ErrMalformed, e.offset, err)
	}
	return err
}
