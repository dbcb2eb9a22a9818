package proc

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// maxRest is the most that is read of a pipe after the group is gone, in bytes. A pipe
// holds less, so more is from a process outside the group.
const maxRest = 1 << 20

// pipeReader reads the output of a program. After the program's group is gone, it ends
// at the end of the pipe, or after a silence if a process outside the group, such as a
// daemon, keeps the pipe open.
type pipeReader struct {
	file     *os.File
	patience atomic.Int64 // nanoseconds; 0 while the group runs
	rest     int          // bytes still accepted after the group is gone
}

func newPipeReader(file *os.File) *pipeReader { return &pipeReader{file: file, rest: maxRest} }

// end limits every read, including the current one, to patience.
func (r *pipeReader) end(patience time.Duration) {
	r.patience.Store(int64(patience))
	_ = r.file.SetReadDeadline(time.Now().Add(patience))
}

func (r *pipeReader) Read(p []byte) (int, error) {
	patience := r.patience.Load()
	if patience > 0 {
		if r.rest <= 0 {
			return 0, io.EOF
		}
		_ = r.file.SetReadDeadline(time.Now().Add(time.Duration(patience)))
	}
	n, err := r.file.Read(p)
	if patience > 0 {
		r.rest -= n
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}
