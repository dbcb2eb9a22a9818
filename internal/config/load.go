package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// sizeLimit is the largest file that is read, in bytes; enough for ten thousand
// environments.
const sizeLimit = 1 << 20

// Load reads a configuration file. Its error is Problems.
func Load(file string) (*Config, error) {
	source, err := read(file)
	if err != nil {
		return nil, Problems{unreadable(file, err)}
	}
	return Parse(file, source)
}

// Digest returns the digest of a configuration's text, as sha256:<hex>.
func Digest(source []byte) string {
	sum := sha256.Sum256(source)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// DigestOf returns the digest of a file.
func DigestOf(file string) (string, error) {
	source, err := read(file)
	if err != nil {
		return "", Problems{unreadable(file, err)}
	}
	return Digest(source), nil
}

// ChangedError is the error for a configuration that is not the file of the commit.
type ChangedError struct {
	File        string
	Found, Want string // digests
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s is not the file of the commit: its digest is %s, expected %s; a build, or a process with write access to its workspace, changed it", e.File, e.Found, e.Want)
}

// LoadCommitted reads a configuration file with the digest of the commit's file; ""
// accepts any. Its error is Problems or a ChangedError.
func LoadCommitted(file, digest string) (*Config, error) {
	source, err := read(file)
	if err != nil {
		return nil, Problems{unreadable(file, err)}
	}
	return ParseCommitted(file, source, digest)
}

// ParseCommitted is LoadCommitted for the text of a configuration.
func ParseCommitted(name string, source []byte, digest string) (*Config, error) {
	if found := Digest(source); digest != "" && digest != found {
		return nil, &ChangedError{name, found, digest}
	}
	return Parse(name, source)
}

// Parse parses a configuration; name is the name of the file in problems. Its error
// is Problems: all errors, in the order of the file.
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

// read returns at most one byte more than the limit, to detect a file that is too
// large without reading it all. It rejects a symbolic link out of the file's folder.
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
