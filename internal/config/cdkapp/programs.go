package cdkapp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// defaultPath is the search path if PATH is not set.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// Environ returns the environment of a command in dir, a folder of the workspace
// top: env with the programs of npm packages and of a Python virtual environment
// in front of PATH, as in npx, npm scripts, and an activated environment. These are
// the folders node_modules/.bin and .venv/bin from dir up to top, the nearest
// first, whether or not they exist yet, as a command may install them. Folders
// above top are never used.
func Environ(top, dir string, env []string) []string {
	path := valueOf(env, "PATH")
	if path == "" {
		path = defaultPath
	}
	folders := append(binFolders(top, dir), path)
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "PATH=") })
	return append(env, "PATH="+strings.Join(folders, string(os.PathListSeparator)))
}

// LookPath finds a program like a command in that environment; the error is
// exec.ErrNotFound. look finds a program by its absolute path where the command runs,
// as exec.LookPath does.
func LookPath(program string, env []string, look func(path string) (string, error)) (string, error) {
	for _, dir := range filepath.SplitList(valueOf(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue // relative to the current folder
		}
		if found, err := look(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

// binFolders lists the folders for programs of packages from dir up to top.
func binFolders(top, dir string) (folders []string) {
	top, topErr := filepath.Abs(top)
	dir, dirErr := filepath.Abs(dir)
	if topErr != nil || dirErr != nil {
		return nil
	}
	below, err := filepath.Rel(top, dir)
	if err != nil || !filepath.IsLocal(below) {
		return nil
	}
	for ; ; dir = filepath.Dir(dir) {
		if !strings.ContainsRune(dir, os.PathListSeparator) { // which no entry of PATH can hold
			folders = append(folders, filepath.Join(dir, "node_modules", ".bin"), filepath.Join(dir, ".venv", "bin"))
		}
		if dir == top {
			return folders
		}
	}
}

func valueOf(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

// MayProvide reports whether the npm packages of a folder, installed or not, may
// provide a program: it is installed, npm's lock file lists it, or there is a
// package.json without a lock file that lists programs (those of other package
// managers do not).
func MayProvide(dir, program string) bool {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", program)); err == nil {
		return true
	}
	for _, name := range []string{"npm-shrinkwrap.json", "package-lock.json"} {
		var lock struct {
			Packages map[string]struct {
				Bin map[string]any `json:"bin"`
			} `json:"packages"`
		}
		if ReadJSON(dir, filepath.Join(dir, name), &lock) != nil || lock.Packages == nil {
			continue // a lock file of npm 6 does not list programs
		}
		for _, one := range lock.Packages {
			if _, brings := one.Bin[program]; brings {
				return true
			}
		}
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "package.json"))
	return err == nil
}
