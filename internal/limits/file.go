package limits

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotRegular is the error of a device, a pipe, a socket or a folder in the place of a file.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file for reading. It never waits for the other end of a pipe.
func Open(path string) (*os.File, error) {
	return regular(os.OpenFile(path, os.O_RDONLY|nonblock, 0))
}

// OpenIn opens a regular file below a folder; a symbolic link does not lead out of it.
func OpenIn(root *os.Root, name string) (*os.File, error) {
	return regular(root.OpenFile(name, os.O_RDONLY|nonblock, 0))
}

func regular(file *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: file.Name(), Err: ErrNotRegular}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// ReadFile reads a regular file of at most that many bytes. It returns ErrExceeded if the file is larger.
func ReadFile(path string, most int64) ([]byte, error) { return readAndClose(most)(Open(path)) }

// ReadFileIn reads a regular file below a folder, of at most that many bytes; a
// symbolic link does not lead out of the folder. It returns ErrExceeded if the file is larger.
func ReadFileIn(root *os.Root, name string, most int64) ([]byte, error) {
	return readAndClose(most)(OpenIn(root, name))
}

// ReadWithin reads like ReadFileIn a file that lies in the folder top or below.
func ReadWithin(top, file string, most int64) ([]byte, error) {
	name, err := filepath.Rel(top, file)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: err}
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return ReadFileIn(root, name, most)
}

func readAndClose(most int64) func(*os.File, error) ([]byte, error) {
	return func(file *os.File, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		defer file.Close()
		data, err := ReadAll(file, most)
		if errors.Is(err, ErrExceeded) {
			return nil, &fs.PathError{Op: "read", Path: file.Name(), Err: err}
		}
		return data, err
	}
}

// ReadAll reads at most that many bytes to the end; more are ErrExceeded.
func ReadAll(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("%w: larger than %s", ErrExceeded, Size(most))
	}
	return data, err
}
