package errs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// fullDiskHint says what to do about a full disk, here and in a pod of a run.
const fullDiskHint = "free disk space there; in a pod of a run, raise podLimits.storage in the configuration"

// Writing wraps an error that occurred while writing below path. Its kind is
// Failed when the disk is full, Invalid when path is missing or read-only. The
// message names path. Writing returns nil and an existing Error unchanged.
func Writing(path string, err error) error {
	var typed *Error
	switch {
	case err == nil || errors.As(err, &typed):
		return err
	case isFullDisk(err):
		return Failedf("the disk is full: writing to %q: %w", path, err).WithHint(fullDiskHint)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return Invalidf("%q is not writable: %w", path, err).
			WithHint("use a writable folder")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return Invalidf("%q does not exist: %w", path, err).
			WithHint("create the folder, or use another one")
	case errors.Is(err, syscall.EISDIR):
		return Invalidf("%q is a folder: %w", path, err).WithHint("use the path of a file")
	default:
		return fmt.Errorf("writing to %q: %w", path, err)
	}
}

// Copy copies like io.Copy. It wraps write errors with Writing for path and returns
// read errors unchanged.
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
