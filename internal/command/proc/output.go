package proc

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"sync"
	"time"
)

// output copies the output of a program to its caller's writers. It does not use the
// pipes of os/exec, because the group must be ended between the leader's exit and the end
// of the output.
type output struct {
	writers []io.Writer
	readers []*pipeReader // read ends, one for each writer
	theirs  []*os.File    // write ends, the program's
	copying sync.WaitGroup
	mu      sync.Mutex
	failure error
}

// connect sets the output files of cmd. An *os.File is passed on as it is.
func (o *output) connect(cmd *exec.Cmd, stdout, stderr io.Writer) error {
	out, err := o.fileFor(stdout)
	if err != nil {
		return err
	}
	errOut := out
	if !same(stdout, stderr) {
		if errOut, err = o.fileFor(stderr); err != nil {
			o.abandon()
			return err
		}
	}
	if out != nil { // a nil *os.File is not a nil io.Writer
		cmd.Stdout = out
	}
	if errOut != nil {
		cmd.Stderr = errOut
	}
	return nil
}

func same(a, b io.Writer) bool {
	return a == nil && b == nil ||
		a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

func (o *output) fileFor(w io.Writer) (*os.File, error) {
	if w == nil {
		return nil, nil
	}
	if file, ok := w.(*os.File); ok {
		return file, nil
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.writers = append(o.writers, w)
	o.readers = append(o.readers, newPipeReader(reader))
	o.theirs = append(o.theirs, writer)
	return writer, nil
}

// abandon closes all pipes after the program failed to start.
func (o *output) abandon() {
	o.closeReaders()
	closeAll(o.theirs)
}

// copy starts copying, after the program has started.
func (o *output) copy() {
	closeAll(o.theirs)
	for i, reader := range o.readers {
		o.copying.Go(func() { o.copyOne(o.writers[i], reader) })
	}
}

// copyOne keeps reading after a failed write, so that the program neither blocks nor dies
// of a closed pipe.
func (o *output) copyOne(to io.Writer, from *pipeReader) {
	if _, err := io.Copy(to, from); err == nil {
		return
	} else {
		o.mu.Lock()
		o.failure = errors.Join(o.failure, err)
		o.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, from)
}

// finish waits for the rest of the output after the group is gone, and returns the errors
// of the writers. It waits at most patience for each read.
func (o *output) finish(patience time.Duration) error {
	for _, reader := range o.readers {
		reader.end(patience)
	}
	o.copying.Wait()
	o.closeReaders()
	return o.failure
}

func (o *output) closeReaders() {
	for _, reader := range o.readers {
		_ = reader.file.Close()
	}
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}
