// Package remove removes folders that other programs have worked in.
package remove

import (
	"errors"
	"io/fs"
	"os"
)

// All removes a folder with everything in it, as os.RemoveAll does, and also
// folders that their owner may not write to, such as those of Go's module
// cache. Nothing outside of the folder is touched, wherever links lead.
func All(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := unlock(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// unlock makes all folders writable for their owner. It ignores folders that it may not
// change: removing them reports the error.
func unlock(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if info.IsDir() {
		_ = os.Chmod(dir, info.Mode().Perm()|0o700)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if !entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			_ = root.Chmod(path, info.Mode().Perm()|0o700)
		}
		return nil
	})
}
