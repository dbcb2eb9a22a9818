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

// defaultArtifacts is what build.artifacts is where the configuration says nothing.
const defaultArtifacts = "artifacts"

// artifactsOf lists the files that the build was to leave, each once whatever
// patterns match it. A pattern that matches nothing is an error, but for the default,
// which a build without artifacts need not have. Symbolic links are not followed, and
// what stays out of the archive is no artifact.
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
		matches = slices.DeleteFunc(matches, stays)
		if len(matches) == 0 && pattern != defaultArtifacts {
			return nil, errs.Failedf("the build left nothing that build.artifacts %q names", pattern).
				WithHint("do the build commands write there? Paths are relative to the repository")
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

// stays says whether a path stays out of the archive.
func stays(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return checkout.Excluded(top)
}

// addFiles adds the regular files at or below name.
func addFiles(found map[string]bool, from fs.FS, name string) error {
	return fs.WalkDir(from, name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case stays(path) && entry.IsDir():
			return fs.SkipDir
		case stays(path):
			return nil
		case entry.Type().IsRegular():
			found[path] = true
		}
		return nil
	})
}

// alike says which artifacts have names that differ only by case.
func alike(files []bucket.File) (lines []string) {
	first := map[string]string{}
	for _, file := range files {
		folded := strings.ToLower(file.Path)
		if other, there := first[folded]; there {
			lines = append(lines, fmt.Sprintf("the artifacts %q and %q differ only by case, and are one file on some machines", other, file.Path))
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
