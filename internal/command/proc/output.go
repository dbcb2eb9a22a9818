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

// output carries what a program writes to the writers that its caller gave.
// The pipes are ours and not those of os/exec, because the group must be ended
// between the leader's exit and the end of its output.
type output struct {
	writers []io.Writer
	readers []*pipeReader // our ends, one for each writer
	theirs  []*os.File    // the program's ends
	copying sync.WaitGroup
	mu      sync.Mutex
	failure error
}

// connect gives cmd its output files. An *os.File is handed over as it is.
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

// abandon closes everything when the program did not start.
func (o *output) abandon() {
	o.closeReaders()
	closeAll(o.theirs)
}

// copy starts copying; the program has its ends by now.
func (o *output) copy() {
	closeAll(o.theirs)
	for i, reader := range o.readers {
		o.copying.Go(func() { o.copyOne(o.writers[i], reader) })
	}
}

// copyOne goes on reading when it can no longer write, so that the program
// does not stand still or die of a closed pipe.
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

// finish waits for the rest of the output after the group has gone, and gives
// the errors of the writers. patience bounds each wait for more.
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
