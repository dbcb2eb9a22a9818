package gitpack

import (
	"bytes"
	"errors"
	"io"
	"os"
)

const (
	// maxInMemory is the size of the largest object held in memory, in bytes.
	maxInMemory = 1 << 20
	// memoryBudget is the most that is held in memory at once, in bytes: chains of
	// deltas may be long, and several processors resolve them in parallel.
	memoryBudget = 32 << 20
)

// content is a whole object with random access.
type content interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// hold keeps the size bytes that write writes, in memory or in a file that exists until it is closed:
// Kubernetes counts only files with a name as storage that a pod uses.
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
	held := inFile{file, size}
	if err := write(file); err != nil {
		_ = held.Close()
		return nil, err
	}
	return held, nil
}

type inMemory struct {
	*bytes.Reader
	pack *Pack // whose budget it uses; nil for none
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

func (f inFile) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }
