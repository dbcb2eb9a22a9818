package gitpack

import (
	"bufio"
	"fmt"
	"io"
)

// patch applies the delta e to base.
func (p *Pack) patch(base content, e *entry) (content, error) {
	i, err := p.open(e)
	if err != nil {
		return nil, err
	}
	defer i.close()
	delta := &delta{in: bufio.NewReader(io.LimitReader(i.zip, e.size)), base: base, copy: i.copy, at: e.offset}
	size, err := delta.header()
	if err != nil {
		return nil, unexpected(err)
	}
	return p.hold(size, func(w io.Writer) error { return unexpected(delta.apply(w, size)) })
}

// delta is a list of instructions that copy from the base or insert data.
type delta struct {
	in   *bufio.Reader
	base content
	copy []byte
	at   int64 // offset in the pack, for messages
}

func (d *delta) malformed(what string) error {
	return fmt.Errorf("%w: the delta at %d %s", ErrMalformed, d.at, what)
}

// header reads the sizes of base and result.
func (d *delta) header() (size int64, err error) {
	baseSize, err := d.size()
	if err != nil {
		return 0, err
	}
	if baseSize != d.base.Size() {
		return 0, d.malformed("has another base size")
	}
	return d.size()
}

// size reads groups of 7 bits with the lowest first.
func (d *delta) size() (int64, error) {
	var size int64
	for shift := 0; ; shift += 7 {
		next, err := d.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if shift > 56 {
			return 0, d.malformed("has an impossible size")
		}
		size |= int64(next&0x7f) << shift
		if next&0x80 == 0 {
			return size, nil
		}
	}
}

// apply executes the instructions, which must write exactly size bytes.
func (d *delta) apply(w io.Writer, size int64) error {
	for size > 0 {
		instruction, err := d.in.ReadByte()
		if err != nil {
			return err
		}
		n, err := d.instruction(w, instruction, size)
		if err != nil {
			return err
		}
		size -= n
	}
	if _, err := d.in.ReadByte(); err != io.EOF {
		return d.malformed("has data after its end")
	}
	return nil
}

func (d *delta) instruction(w io.Writer, instruction byte, left int64) (int64, error) {
	if instruction == 0 {
		return 0, d.malformed("has an unknown instruction")
	}
	if instruction&0x80 == 0 { // insert that many bytes of the delta itself
		n := int64(instruction)
		if n > left {
			return 0, d.malformed("exceeds the announced size")
		}
		return io.CopyBuffer(onlyWriter{w}, onlyReader{io.LimitReader(d.in, n)}, d.copy)
	}
	from, n, err := d.copyRange(instruction)
	if err != nil {
		return 0, err
	}
	if n > left || from+n > d.base.Size() {
		return 0, d.malformed("copies more than the announced size")
	}
	return io.CopyBuffer(onlyWriter{w}, onlyReader{io.NewSectionReader(d.base, from, n)}, d.copy)
}

// copyRange reads the bytes of offset and length that are flagged in the instruction; a
// length of 0 means 64 KiB.
func (d *delta) copyRange(instruction byte) (from, n int64, err error) {
	var values [7]int64
	for bit := range values {
		if instruction>>bit&1 == 0 {
			continue
		}
		next, err := d.in.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		values[bit] = int64(next)
	}
	from = values[0] | values[1]<<8 | values[2]<<16 | values[3]<<24
	n = values[4] | values[5]<<8 | values[6]<<16
	if n == 0 {
		n = 64 << 10
	}
	return from, n, nil
}
