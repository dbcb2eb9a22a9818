package validation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
)

// apps finds the CDK app of every stack.
func apps(dir string, cfg *config.Config) []Finding {
	var found []Finding
	for _, stack := range stacksOf(cfg) {
		where := fmt.Sprintf("stack %s (path %s)", stack.Name, stack.Path)
		path := filepath.Join(dir, filepath.FromSlash(stack.Path))
		if _, err := os.Stat(path); err != nil {
			found = append(found, Finding{
				Severity: Error, Check: "app", Where: where, Path: pathOf(cfg, stack), What: "the path does not exist in the repository",
				Fix: "set it to the stack's source file or the folder of its CDK app",
			})
			continue
		}
		if _, ok := appFolder(dir, stack.Path); !ok {
			found = append(found, Finding{
				Severity: Error, Check: "app", Where: where, Path: pathOf(cfg, stack), What: "neither the path nor a folder above it has a cdk.json",
				Fix: "set the path to a file or folder in a CDK app",
			})
		}
	}
	return found
}

// stacksOf lists the stacks that any environment deploys, each once.
func stacksOf(cfg *config.Config) []config.Stack {
	var stacks []config.Stack
	seen := map[string]bool{}
	for _, env := range cfg.Environments {
		for _, stack := range env.Stacks {
			if key := stack.Name + "\x00" + stack.Path; !seen[key] {
				seen[key] = true
				stacks = append(stacks, stack)
			}
		}
	}
	return stacks
}

// pathOf returns where the configuration has the path of a stack.
func pathOf(cfg *config.Config, stack config.Stack) string {
	same := func(other config.Stack) bool { return other.Name == stack.Name && other.Path == stack.Path }
	if at := slices.IndexFunc(cfg.Stacks, same); at >= 0 {
		return fmt.Sprintf("stacks[%d].path", at)
	}
	for i, env := range cfg.Environments {
		if at := slices.IndexFunc(env.Stacks, same); at >= 0 {
			return fmt.Sprintf("environments[%d].stacks[%d].path", i, at)
		}
	}
	return ""
}

// appFolder returns the nearest folder at or above path that has a cdk.json.
func appFolder(dir, path string) (string, bool) {
	for folder := filepath.Clean(filepath.FromSlash(path)); ; folder = filepath.Dir(folder) {
		candidate := filepath.Join(dir, folder)
		if info, err := os.Stat(filepath.Join(candidate, "cdk.json")); err == nil && info.Mode().IsRegular() {
			return candidate, true
		}
		if folder == "." {
			return "", false
		}
	}
}

// requiredContext checks that every app has the context keys that the
// configuration requires, in cdk.json or cdk.context.json.
func requiredContext(dir string, cfg *config.Config) []Finding {
	if len(cfg.RequiredContext) == 0 {
		return nil
	}
	var found []Finding
	var checked []string
	for _, stack := range stacksOf(cfg) {
		app, ok := appFolder(dir, stack.Path)
		if !ok || slices.Contains(checked, app) {
			continue
		}
		checked = append(checked, app)
		known, err := contextOf(dir, app)
		if err != nil {
			found = append(found, Finding{Severity: Error, Check: "context", Where: relative(dir, app), What: err.Error()})
			continue
		}
		for _, key := range cfg.RequiredContext {
			if !known[key] && !givenEverywhere(cfg, key) {
				found = append(found, Finding{
					Severity: Error, Check: "context", Where: relative(dir, app), Path: "requiredContext",
					What: fmt.Sprintf("the CDK context is missing the key %q", key),
					Fix:  "run cdk synth with AWS access and commit cdk.context.json, or set the key in cdk.json or in the context of every environment",
				})
			}
		}
	}
	return found
}

// givenEverywhere reports whether every environment sets the context key.
func givenEverywhere(cfg *config.Config, key string) bool {
	return !slices.ContainsFunc(cfg.Environments, func(env config.Environment) bool {
		_, given := env.Context[key]
		return !given
	})
}

func contextOf(dir, app string) (map[string]bool, error) {
	var project struct {
		Context map[string]any `json:"context"`
	}
	if err := readJSON(dir, filepath.Join(app, "cdk.json"), &project); err != nil {
		return nil, err
	}
	var cached map[string]any
	if err := readJSON(dir, filepath.Join(app, "cdk.context.json"), &cached); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for key := range project.Context {
		known[key] = true
	}
	for key := range cached {
		known[key] = true
	}
	return known, nil
}

func readJSON(dir, path string, into any) error {
	if err := cdkapp.ReadJSON(dir, path, into); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && rel != "." {
		return rel
	}
	return "cdk.json"
}
