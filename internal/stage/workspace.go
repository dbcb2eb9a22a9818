package stage

import (
	"os"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// KeepWorkspace tells the next stage that uses the same commands where they have the
// workspace of an artifact: at the place of path. Without a file for the secret there
// is no such stage.
func (c Commands) KeepWorkspace(digest, path string) error {
	if c.Secret == "" || digest == "" {
		return nil
	}
	return errs.Writing(c.workspaceFile(), os.WriteFile(c.workspaceFile(), []byte(digest+" "+path), 0o600))
}

// Workspace returns the path whose place has the workspace of an artifact, or "" if the
// commands have none.
func (c Commands) Workspace(digest string) string {
	if c.Secret == "" {
		return ""
	}
	text, err := os.ReadFile(c.workspaceFile())
	if err != nil {
		return "" // then it is fetched
	}
	kept, path, _ := strings.Cut(string(text), " ")
	if kept != digest {
		return ""
	}
	return path
}

// workspaceFile is beside the secret, where no command can write.
func (c Commands) workspaceFile() string { return c.Secret + ".workspace" }
