package build

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// defaultArtifacts is what build.artifacts is where the configuration says nothing.
const defaultArtifacts = "artifacts"

// artifactsOf finds the files and folders that the build was to leave. A
// pattern that matches nothing is an error, but for the default, which a build
// without artifacts need not have.
func artifactsOf(dir string, build config.Build) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Temporaryf("opening the workspace: %w", err)
	}
	defer root.Close()
	var found []string
	for _, pattern := range build.Artifacts {
		matches, err := fs.Glob(root.FS(), path.Clean(filepath.ToSlash(pattern)))
		if err != nil {
			return nil, fault.Invalidf("build.artifacts: the pattern %q: %w", pattern, err)
		}
		if len(matches) == 0 && pattern != defaultArtifacts {
			return nil, fault.Failedf("the build left nothing that build.artifacts %q names", pattern).
				WithHint("do the build commands write there? Paths are relative to the repository")
		}
		found = append(found, matches...)
	}
	return found, nil
}
