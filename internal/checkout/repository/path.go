package repository

import "path/filepath"

// PathOf returns the path that a file has in the repository around it, with
// slashes, from whatever folder it is named. Outside of a repository it is the
// path as it was given, or the file's name where that leads out of the folder.
func PathOf(file string) string {
	if absolute, err := filepath.Abs(file); err == nil {
		if r, err := Around(filepath.Dir(absolute)); err == nil {
			if inside, err := filepath.Rel(r.Top, absolute); err == nil {
				return filepath.ToSlash(inside)
			}
		}
	}
	if filepath.IsLocal(file) {
		return filepath.ToSlash(filepath.Clean(file))
	}
	return filepath.Base(file)
}
