package proc

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// maxRest bounds what is still read of a pipe after the group has gone. More
// than this does not fit into a pipe, so more comes from an outsider.
const maxRest = 1 << 20

// pipeReader reads the output of a program. When the program's group has gone,
// it ends at the end of the pipe, or when somebody else, such as a daemon in a
// session of its own, keeps the pipe open without need.
type pipeReader struct {
	file     *os.File
	patience atomic.Int64 // nanoseconds; 0 while the group runs
	rest     int          // bytes still accepted after the group has gone
}

func newPipeReader(file *os.File) *pipeReader { return &pipeReader{file: file, rest: maxRest} }

// end makes every wait for more, a running one too, end after patience.
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
