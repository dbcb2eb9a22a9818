package repository

import "path/filepath"

// PathOf returns the path of a file in its repository, with slashes, whatever the current
// folder is. Outside a repository it is the path as given, or the file's name if the path
// leads out of the current folder.
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
