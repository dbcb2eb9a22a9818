package gitpack

import (
	"bytes"
	"io"
	"os"
)

const (
	// maxInMemory is the size in bytes up to which an object is held in memory.
	maxInMemory = 1 << 20
	// memoryBudget bounds in bytes what is held in memory at once: a chain of
	// deltas may be long, and each processor works on its own.
	memoryBudget = 32 << 20
)

// content is a whole object that can be read anywhere.
type content interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// hold keeps what write writes: size bytes, in memory or in a nameless file.
func (p *Pack) hold(size int64, write func(io.Writer) error) (content, error) {
	if size > maxInMemory || p.inMemory.Load()+size > memoryBudget {
		return p.holdInFile(size, write)
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size))
	if err := write(buffer); err != nil {
		return nil, err
	}
	p.inMemory.Add(size)
	return inMemory{bytes.NewReader(buffer.Bytes()), p}, nil
}

func (p *Pack) holdInFile(size int64, write func(io.Writer) error) (content, error) {
	file, err := os.CreateTemp(p.tempDir, "object-")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		err = write(file)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return inFile{file, size}, nil
}

type inMemory struct {
	*bytes.Reader
	pack *Pack // whose budget it takes from; nil when it does not
}

func (m inMemory) Close() error {
	if m.pack != nil {
		m.pack.inMemory.Add(-m.Size())
	}
	return nil
}

type inFile struct {
	*os.File
	size int64
}

func (f inFile) Size() int64 { return f.size }
