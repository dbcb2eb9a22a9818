package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/artifact"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// defaultArtifacts is what build.artifacts is where the configuration says nothing.
const defaultArtifacts = "artifacts"

// artifactsOf lists the files that the build was to leave. A pattern that
// matches nothing is an error, but for the default, which a build without
// artifacts need not have. Symbolic links are not followed.
func artifactsOf(dir string, build config.Build) ([]artifact.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Temporaryf("opening the workspace: %w", err)
	}
	defer root.Close()
	var files []artifact.File
	for _, pattern := range build.Artifacts {
		matches, err := fs.Glob(root.FS(), path.Clean(filepath.ToSlash(pattern)))
		if err != nil {
			return nil, fault.Invalidf("build.artifacts: the pattern %q: %w", pattern, err)
		}
		if len(matches) == 0 && pattern != defaultArtifacts {
			return nil, fault.Failedf("the build left nothing that build.artifacts %q names", pattern).
				WithHint("do the build commands write there? Paths are relative to the repository")
		}
		for _, match := range matches {
			if files, err = appendFiles(files, root.FS(), match); err != nil {
				return nil, fmt.Errorf("reading the artifact %q: %w", match, err)
			}
		}
	}
	return files, nil
}

// appendFiles adds the regular files at or below name.
func appendFiles(files []artifact.File, from fs.FS, name string) ([]artifact.File, error) {
	err := fs.WalkDir(from, name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := describeFile(from, path)
		files = append(files, file)
		return err
	})
	return files, err
}

func describeFile(from fs.FS, path string) (artifact.File, error) {
	file, err := from.Open(path)
	if err != nil {
		return artifact.File{}, err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	return artifact.File{Path: path, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
