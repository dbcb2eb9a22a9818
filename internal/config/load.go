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
	source, err := read(filepath.Dir(file), filepath.Base(file))
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

// Read returns the text of the configuration file of a workspace; name has slashes.
// Its error is Problems.
func Read(workspace, name string) ([]byte, error) {
	source, err := read(workspace, name)
	if err != nil {
		return nil, Problems{unreadable(filepath.Join(workspace, filepath.FromSlash(name)), err)}
	}
	return source, nil
}

// DigestOf returns the digest of a file of a workspace; name has slashes.
func DigestOf(workspace, name string) (string, error) {
	source, err := Read(workspace, name)
	if err != nil {
		return "", err
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

// LoadCommitted reads the configuration file of a workspace, with the digest of the
// commit's file; "" accepts any. Its error is Problems or a ChangedError.
func LoadCommitted(workspace, name, digest string) (*Config, error) {
	source, err := Read(workspace, name)
	if err != nil {
		return nil, err
	}
	return ParseCommitted(filepath.Join(workspace, filepath.FromSlash(name)), source, digest)
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

// ProblemAt returns a problem that something else than Parse found in a configuration, with the place of the value of
// a path, such as environments[0].stacks[1].path, or of its nearest parent that is written.
func ProblemAt(name string, source []byte, path, message, hint string) Problem {
	report := newReport(name, source)
	if root := report.parse(); root != nil {
		(&decoder{report: report}).value(root, "", field{}, reflect.ValueOf(&Config{}).Elem())
	}
	report.problems = nil
	report.atPath(path, "%s", message).Hint = hint
	return report.result()[0]
}

// read returns at most one byte more than the limit, to detect a file that is too
// large without reading it all. It follows no symbolic link below the folder: the
// stages that read the file out of an artifact would not find it.
func read(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	if !filepath.IsLocal(name) {
		return nil, errOutside
	}
	for part := filepath.Clean(name); part != "."; part = filepath.Dir(part) {
		if info, err := root.Lstat(part); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return nil, ErrLink
		}
	}
	opened, err := limits.OpenIn(root, name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return ReadLimited(opened)
}

// ReadLimited reads the text of a configuration, and no more of it than Parse needs to
// refuse what is too large.
func ReadLimited(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, sizeLimit+1)) }

// ErrLink is the error for a configuration that is, or lies behind, a symbolic link.
var ErrLink = errors.New("it is a symbolic link, or in a folder that is one, but a run reads only the file of its commit")

var errOutside = errors.New("it is outside of the repository")

func unreadable(file string, err error) Problem {
	problem := Problem{File: file, Message: "cannot be read: " + reason(err)}
	switch {
	case errors.Is(err, ErrLink):
		problem.Hint = "replace the link by the file, or pass the path of the file with -c FILE"
	case errors.Is(err, fs.ErrNotExist):
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
