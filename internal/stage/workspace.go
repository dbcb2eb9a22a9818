package stage

import (
	"encoding/json"
	"os"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Sent is a built workspace that the commands have.
type Sent struct {
	Digest string // of its artifact
	Path   string // that it was sent from
	Config string // configuration file, relative to the workspace
	Source []byte // of that file, as it is in the artifact: commands may change theirs
}

// KeepWorkspace tells the next stage that uses the same commands which workspace they
// have. Without a file for the secret there is no such stage.
func (c Commands) KeepWorkspace(sent Sent) error {
	if c.Secret == "" || sent.Digest == "" {
		return nil
	}
	text, err := json.Marshal(sent)
	if err != nil {
		return err
	}
	return errs.Writing(c.workspaceFile(), os.WriteFile(c.workspaceFile(), text, 0o600))
}

// Workspace returns the workspace of an artifact, with a configuration file, if the
// commands have it.
func (c Commands) Workspace(digest, config string) (sent Sent, found bool) {
	if c.Secret == "" {
		return Sent{}, false
	}
	text, err := os.ReadFile(c.workspaceFile())
	if err != nil || json.Unmarshal(text, &sent) != nil {
		return Sent{}, false // then it is fetched
	}
	return sent, sent.Digest == digest && sent.Config == config
}

// workspaceFile is beside the secret, where no command can write.
func (c Commands) workspaceFile() string { return c.Secret + ".workspace" }
