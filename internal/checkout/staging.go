package checkout

import (
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// staging is a folder that becomes the target when it is complete. It is next to the
// target and is renamed; if the target exists, and may be a mounted volume, it is inside
// and its content is moved up.
type staging struct {
	path   string
	target string
	inside bool
}

func newStaging(target string) (*staging, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return nil, err
	}
	existing, err := os.ReadDir(target)
	s := &staging{target: target, inside: err == nil}
	switch {
	case len(existing) > 0:
		return nil, errs.Invalidf("the folder %q is not empty", target).
			WithHint("remove it, or use another folder for the workspace")
	case s.inside:
		s.path, err = os.MkdirTemp(target, ".partial-")
	case os.IsNotExist(err):
		if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
			s.path, err = os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".partial-")
		}
	}
	if err == nil {
		err = os.Chmod(s.path, 0o755) // MkdirTemp makes it private
	}
	return s, errs.Writing(target, err)
}

// publish moves the content to the target.
func (s *staging) publish() error {
	if !s.inside {
		return errs.Writing(s.target, os.Rename(s.path, s.target))
	}
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if err := os.Rename(filepath.Join(s.path, entry.Name()), filepath.Join(s.target, entry.Name())); err != nil {
			s.undo(entries[:i])
			return errs.Writing(s.target, err)
		}
	}
	return nil
}

// undo removes what was already moved up.
func (s *staging) undo(moved []os.DirEntry) {
	for _, entry := range moved {
		_ = os.RemoveAll(filepath.Join(s.target, entry.Name()))
	}
}

// remove deletes what was not published. Its error is dropped, as it would hide another one.
func (s *staging) remove() { _ = os.RemoveAll(s.path) }
