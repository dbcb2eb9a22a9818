package scaffold

import (
	"cmp"
	"encoding/json"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
)

// manifest is the part of a package.json that is read.
type manifest struct {
	Scripts         map[string]string `json:"scripts"`
	PackageManager  string            `json:"packageManager"`
	Workspaces      workspaces        `json:"workspaces"`
	Dependencies    map[string]any    `json:"dependencies"`
	DevDependencies map[string]any    `json:"devDependencies"`
}

// workspaces are patterns of folders, in a list or an object.
type workspaces []string

func (w *workspaces) UnmarshalJSON(src []byte) error {
	var object struct{ Packages []string }
	if json.Unmarshal(src, (*[]string)(w)) == nil {
		return nil
	}
	if json.Unmarshal(src, &object) == nil {
		*w = object.Packages
	}
	return nil
}

func (a *App) manifest(folder string) manifest {
	var m manifest
	_ = cdkapp.ReadJSON("", filepath.Join(a.Top, filepath.FromSlash(folder), "package.json"), &m) // invalid JSON has no scripts
	return m
}

// locks are the lock files of the package managers; the first one found is used.
var locks = []struct{ file, manager string }{
	{"pnpm-lock.yaml", "pnpm"},
	{"bun.lock", "bun"},
	{"bun.lockb", "bun"},
	{"yarn.lock", "yarn"},
	{"package-lock.json", "npm"},
	{"npm-shrinkwrap.json", "npm"},
}

// manager has the commands of a package manager that install packages and run scripts.
type manager struct{ install, run string }

// deploymentTests are the usual names of scripts that test a deployment.
var deploymentTests = []string{
	"integration-test", "integration-tests", "test:integration", "test-integration", "integ", "test:integ",
	"e2e", "test:e2e", "e2e-test", "smoke", "test:smoke", "smoke-test",
}

// javascript installs the packages at their lock file, and those of the folders that the
// source names, and runs the scripts of the app's package.json.
func (a *App) javascript(run string, named []string) {
	home, _, found := a.upwards("package.json")
	if found {
		at := a.installFolder(home)
		a.Build = append(a.Build, in(at, a.managerOf(at).install))
	} else if strings.Contains(run, "npx ") || strings.Contains(run, "ts-node") || strings.Contains(run, "node ") {
		a.Notes = append(a.Notes, "No package.json lists the app's packages: npm init, and npm install aws-cdk-lib constructs.")
	}
	a.parts(home, run, named)
	if found && home == a.Folder { // scripts of a parent folder are not the app's
		a.scripts(home)
	}
}

// scripts runs the scripts that build and test the app.
func (a *App) scripts(home string) {
	m := a.managerOf(a.installFolder(home))
	scripts := a.manifest(home).Scripts
	for _, name := range []string{"build", "test"} {
		script := scripts[name]
		if script == "" || strings.Contains(script, "no test specified") || name == "test" && !a.tested(home, script) {
			continue
		}
		a.Build = append(a.Build, in(home, m.run+name))
	}
	for _, name := range deploymentTests {
		if scripts[name] != "" {
			a.Tests = append(a.Tests, in(home, m.run+name))
		}
	}
}

// tested reports whether a script has tests to run: without any, jest fails.
func (a *App) tested(home, script string) bool {
	return !regexp.MustCompile(`\b(jest|vitest|mocha)\b`).MatchString(script) || hasTests(a.Top, home)
}

// installFolder returns the folder to install at: that of the app's package.json
// or, when it belongs to a workspace, the top of that.
func (a *App) installFolder(home string) string {
	for folder := home; ; folder = path.Dir(folder) {
		if folder != home && a.isMember(folder, home) {
			return folder
		}
		if folder == home && lockOf(a, folder) != "" && !a.isMemberAbove(home) {
			return home
		}
		if folder == "." {
			return home
		}
	}
}

func (a *App) isMemberAbove(home string) bool {
	for folder := home; folder != "."; {
		folder = path.Dir(folder)
		if a.isMember(folder, home) {
			return true
		}
	}
	return false
}

// isMember reports whether a folder's workspace includes a package below it.
func (a *App) isMember(folder, member string) bool {
	if !a.at(folder, "package.json") {
		return false
	}
	patterns := append(slices.Clone([]string(a.manifest(folder).Workspaces)), pnpmPackages(a.text(folder, "pnpm-workspace.yaml"))...)
	relative := member
	if folder != "." {
		relative = strings.TrimPrefix(member, folder+"/")
	}
	is := false
	for _, pattern := range patterns {
		if excluded, isExcluded := strings.CutPrefix(pattern, "!"); isExcluded {
			is = is && !matches(excluded, relative)
		} else {
			is = is || matches(pattern, relative)
		}
	}
	return is
}

// matches reports whether a pattern of workspaces matches a folder. `**` is any number of
// folders.
func matches(pattern, folder string) bool {
	pattern = path.Clean(pattern)
	if before, _, any := strings.Cut(pattern, "**"); any {
		return strings.HasPrefix(folder, before) || strings.HasPrefix(folder+"/", before)
	}
	ok, err := path.Match(pattern, folder)
	return ok && err == nil
}

var pnpmEntry = regexp.MustCompile(`(?m)^\s*-\s*['"]?([^'"\s#]+)['"]?`)

// pnpmPackages returns the patterns of a pnpm-workspace.yaml.
func pnpmPackages(text string) []string {
	_, list, found := strings.Cut("\n"+text, "\npackages:")
	if !found {
		return nil
	}
	if end := regexp.MustCompile(`(?m)^\w`).FindStringIndex(list); end != nil {
		list = list[:end[0]]
	}
	var patterns []string
	for _, match := range pnpmEntry.FindAllStringSubmatch(list, -1) {
		patterns = append(patterns, match[1])
	}
	return patterns
}

func lockOf(a *App, folder string) string {
	for _, lock := range locks {
		if a.at(folder, lock.file) {
			return lock.file
		}
	}
	return ""
}

const unlocked = "No lock file pins the versions of the packages: commit one, so that every build installs the same."

// managerOf returns the package manager of a folder: by its lock file, or else by its
// package.json. pnpm, yarn and bun are not in the images; npx fetches them.
func (a *App) managerOf(folder string) manager {
	name, version := named(a.manifest(folder).PackageManager)
	locked := false
	a.need(folder, "package.json")
	for _, lock := range locks {
		if a.at(folder, lock.file) {
			if name != lock.manager {
				name, version = lock.manager, ""
			}
			locked = true
			a.need(folder, lock.file)
			break
		}
	}
	if !locked && !slices.Contains(a.Notes, unlocked) {
		a.Notes = append(a.Notes, unlocked)
	}
	switch name {
	case "pnpm":
		npx := "npx --yes pnpm@" + cmp.Or(version, pnpmOf(a.text(folder, "pnpm-lock.yaml"))) + " "
		return manager{npx + install("--frozen-lockfile", locked), npx + "run "}
	case "yarn":
		if version == "" && (a.at(folder, ".yarnrc.yml") || strings.Contains(a.text(folder, "yarn.lock"), "\n__metadata:")) {
			version = "4"
		}
		if version == "" || strings.HasPrefix(version, "1.") || version == "1" {
			npx := "npx --yes yarn@" + cmp.Or(version, "1.22.22") + " "
			return manager{npx + install("--frozen-lockfile", locked), npx + "run "}
		}
		npx := "npx --yes @yarnpkg/cli-dist@" + version + " "
		return manager{npx + install("--immutable", locked), npx + "run "}
	case "bun":
		npx := "npx --yes bun@" + cmp.Or(version, "1") + " "
		return manager{npx + install("--frozen-lockfile", locked), npx + "run "}
	}
	if locked {
		return manager{"npm ci", "npm run "}
	}
	return manager{"npm install", "npm run "}
}

var packageManager = regexp.MustCompile(`^(npm|pnpm|yarn|bun)@(\d+(?:\.\d+){0,2}(?:-[\w.]+)?)`)

// named reads `pnpm@9.1.0+sha512.…`.
func named(text string) (name, version string) {
	if match := packageManager.FindStringSubmatch(text); match != nil {
		return match[1], match[2]
	}
	return "", ""
}

// pnpmOf returns the version of pnpm that reads a lock file.
func pnpmOf(lock string) string {
	switch firstOf(regexp.MustCompile(`lockfileVersion:\s*['"]?(\d+)`), lock) {
	case "5":
		return "7"
	case "6":
		return "8"
	}
	return "10"
}

// install returns the command, with the flag that requires the lock file.
func install(flag string, locked bool) string {
	if locked {
		return "install " + flag
	}
	return "install"
}
