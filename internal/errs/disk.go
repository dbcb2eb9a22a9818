package errs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// Writing gives an error that came while something was written below path the
// kind that decides what happens next: Temporary when the disk is full, Invalid
// when path is missing or read-only. The message names path. An error that
// already is an Error stays as it is, and so does nil.
func Writing(path string, err error) error {
	var typed *Error
	switch {
	case err == nil || errors.As(err, &typed):
		return err
	case isFullDisk(err):
		return Temporaryf("the disk is full: writing to %q: %w", path, err).
			WithHint("free some space, or give the stage a larger volume")
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return Invalidf("%q cannot be written to: %w", path, err).
			WithHint("give a folder that may be written to")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return Invalidf("%q is not there: %w", path, err).
			WithHint("make the folder, or give another one")
	default:
		return fmt.Errorf("writing to %q: %w", path, err)
	}
}

// Copy copies like io.Copy. An error of writing is as Writing gives it for path;
// one of reading stays as it is.
func Copy(path string, to io.Writer, from io.Reader) (int64, error) {
	source := &reader{Reader: from}
	size, err := io.Copy(to, source)
	if err != nil && source.err != nil {
		return size, source.err
	}
	return size, Writing(path, err)
}

// reader remembers why reading ended.
type reader struct {
	io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
