package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// sizeLimit is the largest file that is read, in bytes. Ten thousand
// environments fit into it.
const sizeLimit = 1 << 20

// Load reads the configuration of that file name. Its error is Problems.
func Load(file string) (*Config, error) {
	source, err := read(file)
	if err != nil {
		return nil, Problems{unreadable(file, err)}
	}
	return Parse(file, source)
}

// Parse reads a configuration from its text; name is what problems call the
// file. Its error is Problems: all errors, in the order of the file.
func Parse(name string, source []byte) (*Config, error) {
	report := newReport(name, source)
	root := report.parse()
	if root == nil {
		return nil, report.result()
	}
	config := &Config{}
	decoder := &decoder{report: report}
	decoder.value(root, "", field{}, reflect.ValueOf(config).Elem())
	resolve(config, report)
	check(config, report)
	if problems := report.result(); problems != nil {
		return nil, problems
	}
	return config, nil
}

// read returns at most one byte more than the limit, so that a file that is too
// big is noticed without being held in memory. A symbolic link in the place of the
// file does not lead out of its folder.
func read(file string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	opened, err := limits.OpenIn(root, filepath.Base(file))
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, sizeLimit+1))
}

func unreadable(file string, err error) Problem {
	problem := Problem{File: file, Message: "cannot be read: " + reason(err)}
	if errors.Is(err, fs.ErrNotExist) {
		problem.Message = "no such file"
		problem.Hint = fmt.Sprintf("create one with `generator init`, or pass another name with -c FILE (default %s)", File)
	}
	return problem
}

func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
