package synth

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// settings are the keys of cdk.json and ~/.cdk.json that synthesis and deployment use.
type settings struct {
	App              cdkapp.Command `json:"app"`
	Build            string         `json:"build"`
	Context          map[string]any `json:"context"`
	VersionReporting *bool          `json:"versionReporting"`
	PathMetadata     *bool          `json:"pathMetadata"`
	AssetMetadata    *bool          `json:"assetMetadata"`
	Debug            bool           `json:"debug"`
	DebugApp         bool           `json:"debugApp"`
	Tags             tags           `json:"tags"`
	ToolkitStack     string         `json:"toolkitStackName"`
}

// FindApp returns the folder of the CDK app that a stack's path belongs to: its
// nearest parent with a cdk.json. The path is a file or folder, relative to root;
// folders above root are not searched.
func FindApp(root, path string) (string, error) {
	local := filepath.Clean(filepath.FromSlash(path))
	if !filepath.IsLocal(local) {
		return "", errs.Invalidf("stack path %q points outside of the workspace", path).WithHint("write it relative to the root of the repository")
	}
	for dir := local; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(filepath.Join(root, dir, "cdk.json"))
		if err == nil && !info.IsDir() {
			return filepath.Join(root, dir), nil
		}
		if dir == "." {
			return "", errs.Invalidf("no cdk.json in %q or a folder above it", path).
				WithHint("a stack's path is its source file or the folder of its CDK app")
		}
	}
}

// readSettings reads cdk.json of the app, which overrides ~/.cdk.json of the commands.
func (o Options) readSettings(ctx context.Context) (project, user settings, err error) {
	if home := lookup(o.Env, "HOME"); home != "" {
		file := filepath.Join(home, ".cdk.json")
		if err := o.readAt(ctx, file, &user); err != nil {
			return project, user, err
		}
		if user.Build != "" {
			return project, user, errs.Invalidf("%s has the key \"build\", which belongs to one app", file).WithHint("move it into the app's cdk.json")
		}
	}
	if err := readOptional(o.top(), filepath.Join(o.App, "cdk.json"), &project); err != nil {
		return project, user, err
	}
	project.App = cdkapp.Command(cmp.Or(string(project.App), string(user.App)))
	project.VersionReporting = orElse(project.VersionReporting, user.VersionReporting)
	project.PathMetadata = orElse(project.PathMetadata, user.PathMetadata)
	project.AssetMetadata = orElse(project.AssetMetadata, user.AssetMetadata)
	project.Debug = project.Debug || user.Debug || project.DebugApp || user.DebugApp
	project.ToolkitStack = cmp.Or(project.ToolkitStack, user.ToolkitStack)
	if project.Tags == nil {
		project.Tags = user.Tags
	}
	return project, user, nil
}

// checkCommand rejects settings without the app's command.
func (s settings) checkCommand(app string) error {
	if s.App != "" {
		return nil
	}
	return errs.Invalidf("%s has no command for the CDK app", filepath.Join(app, "cdk.json")).
		WithHint(`add the key "app" with the command, such as "node bin/app.js"`)
}

// readAt decodes a JSON file of the commands; a missing one leaves into as it is.
func (o Options) readAt(ctx context.Context, path string, into any) error {
	scratch, err := os.MkdirTemp("", "cdk-home-")
	if err != nil {
		return errs.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(scratch)
	file, err := o.Runner.Fetch(ctx, path, filepath.Join(scratch, filepath.Base(path)), command.Selection{})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return readOptional("", file, into)
}

func orElse(value, other *bool) *bool {
	if value != nil {
		return value
	}
	return other
}

// readOptional decodes a JSON file if it exists. The error has only the base name,
// as the folder may be temporary.
func readOptional(top, file string, into any) error {
	err := cdkapp.ReadJSON(top, file, into)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.Invalidf("%s: %w", filepath.Base(file), err)
	}
	return nil
}
