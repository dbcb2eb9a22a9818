package synth

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// settings are the parts of cdk.json (and of ~/.cdk.json) that matter to a synthesis.
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

// FindApp gives the folder of the CDK app that a stack's path belongs to: the
// nearest folder upwards from it that holds a cdk.json. The path is a file or a
// folder below root, relative to root; folders above root are never looked at.
func FindApp(root, path string) (string, error) {
	local := filepath.Clean(filepath.FromSlash(path))
	if !filepath.IsLocal(local) {
		return "", errs.Invalidf("stack path %q leads out of the workspace", path).WithHint("write it relative to the root of the repository")
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

// readSettings reads cdk.json of the app in the workspace top, over ~/.cdk.json if there is one.
func readSettings(top, app, home string) (project, user settings, err error) {
	if home != "" {
		file := filepath.Join(home, ".cdk.json")
		if err := readOptional("", file, &user); err != nil {
			return project, user, err
		}
		if user.Build != "" {
			return project, user, errs.Invalidf("%s has the key \"build\", which belongs to one app", file).WithHint("move it into the app's cdk.json")
		}
	}
	if err := readOptional(top, filepath.Join(app, "cdk.json"), &project); err != nil {
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

// checkCommand refuses settings that do not say how to run the app.
func (s settings) checkCommand(app string) error {
	if s.App != "" {
		return nil
	}
	return errs.Invalidf("%s does not say how to run the CDK app", filepath.Join(app, "cdk.json")).
		WithHint(`add the key "app" with the command, such as "node bin/app.js"`)
}

func orElse(value, other *bool) *bool {
	if value != nil {
		return value
	}
	return other
}

// readOptional decodes a JSON file below top; a missing one leaves into as it is. The
// error names the file alone: its folder may be gone when somebody reads it.
func readOptional(top, file string, into any) error {
	err := cdkapp.ReadJSON(top, file, into)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.Invalidf("%s: %w", filepath.Base(file), err)
	}
	return nil
}
