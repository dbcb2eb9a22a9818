package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// defaultArtifacts is the default of build.artifacts.
const defaultArtifacts = "artifacts"

// artifactsOf lists the files that match build.artifacts, each once. A pattern
// without a match is an error, except for the default. Symbolic links are not
// followed, and files excluded from the archive are not artifacts.
func artifactsOf(dir string, build config.Build) ([]bucket.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errs.Temporaryf("opening the workspace: %w", err)
	}
	defer root.Close()
	found := map[string]bool{}
	for _, pattern := range build.Artifacts {
		matches, err := fs.Glob(root.FS(), path.Clean(filepath.ToSlash(pattern)))
		if err != nil {
			return nil, errs.Invalidf("build.artifacts: the pattern %q: %w", pattern, err)
		}
		matches = slices.DeleteFunc(matches, excluded)
		if len(matches) == 0 && pattern != defaultArtifacts {
			return nil, errs.Failedf("no file matches build.artifacts %q after the build", pattern).
				WithHint("check that the build commands write there; paths are relative to the root of the repository")
		}
		for _, match := range matches {
			if err := addFiles(found, root.FS(), match); err != nil {
				return nil, fmt.Errorf("reading the artifact %q: %w", match, err)
			}
		}
	}
	files := make([]bucket.File, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		file, err := describeFile(root.FS(), name)
		if err != nil {
			return nil, fmt.Errorf("reading the artifact %q: %w", name, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// unread returns what our copy of the built workspace is left without: folders with nothing
// that is read of it, which are artifacts and the configuration.
func unread(artifacts []string, file string) func(path string, isFolder bool) bool {
	return func(name string, isFolder bool) bool {
		return !bucket.Unread.Includes(name, isFolder) && !slices.ContainsFunc(append([]string{file}, artifacts...), func(pattern string) bool {
			return leadsTo(name, path.Clean(filepath.ToSlash(pattern)))
		})
	}
}

// leadsTo reports whether a folder may contain what matches a pattern, or is in such a folder.
func leadsTo(folder, pattern string) bool {
	names := strings.Split(folder, "/")
	for i, part := range strings.Split(pattern, "/") {
		if i == len(names) {
			break
		}
		if matched, err := path.Match(part, names[i]); err == nil && !matched {
			return false
		}
	}
	return true
}

// excluded reports whether a path is excluded from the archive.
func excluded(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return checkout.Excluded(top)
}

// addFiles adds the regular files at or below name.
func addFiles(found map[string]bool, from fs.FS, name string) error {
	return fs.WalkDir(from, name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case excluded(path) && entry.IsDir():
			return fs.SkipDir
		case excluded(path):
			return nil
		case entry.Type().IsRegular():
			found[path] = true
		}
		return nil
	})
}

// alike lists the artifacts whose names differ only in case.
func alike(files []bucket.File) (lines []string) {
	first := map[string]string{}
	for _, file := range files {
		folded := strings.ToLower(file.Path)
		if other, there := first[folded]; there {
			lines = append(lines, fmt.Sprintf("the artifacts %q and %q differ only in case and collide on case-insensitive file systems", other, file.Path))
			continue
		}
		first[folded] = file.Path
	}
	return lines
}

func describeFile(from fs.FS, path string) (bucket.File, error) {
	file, err := from.Open(path)
	if err != nil {
		return bucket.File{}, err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	return bucket.File{Path: path, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
