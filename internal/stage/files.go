package stage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// File is a file that a flag names; Path may be empty.
type File struct{ Flag, Path string }

// Folder is a folder that a flag names and a stage reads; Path may be empty.
type Folder struct {
	Flag, Path string
	Names      []string // what the stage reads of it, in lower case; nil is everything
}

// CheckFiles refuses a file to write that would overwrite another one or a file that
// the stage reads. It compares names without case, as some file systems do.
func CheckFiles(written, read []File, folders []Folder) error {
	for i, file := range written {
		if file.Path == "" {
			continue
		}
		for _, other := range append(written[:i:i], read...) {
			if other.Path != "" && sameFile(file.Path, other.Path) {
				return errs.Invalidf("%s and %s are the same file, %q", other.Flag, file.Flag, file.Path).WithHint("use different files")
			}
		}
		for _, folder := range folders {
			if folder.reads(file.Path) {
				return errs.Invalidf("%s %q would overwrite a file in the folder of %s", file.Flag, file.Path, folder.Flag).WithHint("use a file outside of that folder")
			}
		}
	}
	return nil
}

// CheckWritable checks that all files can be written, and leaves no new file behind.
func CheckWritable(files []File) error {
	var failed []error
	for _, file := range files {
		if file.Path != "" {
			failed = append(failed, checkWritable(file.Path))
		}
	}
	return errors.Join(failed...)
}

func checkWritable(name string) error {
	_, missing := os.Stat(name)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return errs.Writing(name, err)
	}
	if missing != nil {
		defer os.Remove(name)
	}
	return errs.Writing(name, file.Close())
}

// reads reports whether a stage reads a path as a part of the folder.
func (f Folder) reads(path string) bool {
	return f.Path != "" && within(path, f.Path) && (f.Names == nil || slices.Contains(f.Names, strings.ToLower(filepath.Base(path))))
}

// sameFile reports whether two names are the same file, ignoring case.
func sameFile(a, b string) bool {
	if strings.EqualFold(resolved(a), resolved(b)) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// within reports whether a path is in a folder.
func within(path, folder string) bool {
	return strings.HasPrefix(strings.ToLower(resolved(path)), strings.ToLower(resolved(folder))+string(filepath.Separator))
}

// resolved returns a path without symbolic links, as far as it exists.
func resolved(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if link, err := filepath.EvalSymlinks(path); err == nil {
		return link
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	return path
}
