package scaffold

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// App describes the CDK app in a folder. Unknown values are empty. Paths are relative to
// Top and have slashes.
type App struct {
	Top    string   // absolute path of the repository; without one, the inspected folder
	Folder string   // of the cdk.json
	Others []string // folders of further CDK apps below the inspected folder
	Build  []string // commands that install, build and test the app, run at the top
	Notes  []string // further remarks about the build
	Tests  []string // commands that test a deployment
	Stacks []Stack  // in the order of the source
	Host   string   // of the GitHub repository, such as github.com
	Owner  string   // of the GitHub repository
	Repo   string
	Branch string // its main branch
	// Uncommitted are files that the build needs and HEAD lacks: a run, which builds a
	// commit, would fail without them. Nil outside of a repository.
	Uncommitted []string

	inspected string                // the inspected folder
	file      string                // of the configuration; "" is in Top
	reached   []bootstrap.Bootstrap // as cdk.json sets it for every stack
	needed    []string              // files that the commands of the build read
}

// Stack is a stack that the app's source creates.
type Stack struct {
	Name    string // in CloudFormation, a construct path, or a pattern of such
	Path    string // of its source
	Account string // if the source has it as a literal
	Region  string // likewise
	// Reached are the CDK bootstraps whose roles, buckets and repositories the stack names.
	Reached []bootstrap.Bootstrap

	id      string   // of a stack with a name of its own
	regions []string // that it may be in, if the source computes its region
}

// Inspect reads the CDK app in a folder. If the folder has no cdk.json and there are
// several apps below it, choice is the folder of one, relative to dir; "" selects the only
// one. It fails if there is no app, if one must be chosen, or if it cannot be read.
func Inspect(dir, choice string) (App, error) {
	top, inside, err := around(dir)
	if err != nil {
		return App{}, err
	}
	folder, others, err := choose(dir, choice)
	if err != nil {
		return App{}, err
	}
	app := App{inspected: inside, Top: top, Folder: path.Join(inside, folder), Others: within(inside, others)}
	app.need(app.Folder, "cdk.json")
	settings, err := readSettings(filepath.Join(top, filepath.FromSlash(app.Folder)))
	if err != nil {
		return App{}, err
	}
	entries := within(app.Folder, entryFiles(filepath.Join(top, filepath.FromSlash(app.Folder)), string(settings.App)))
	var named []string
	for _, nested := range []bool{false, true} { // a module of the app may have its own cdk.json
		tree := grow(top, app.Folder, entries, nested)
		tree.context = settings.Context
		named = tree.literals(entries)
		if app.Stacks = tree.stacks(entries); app.Stacks != nil {
			break
		}
	}
	app.reached = settings.reached()
	for i := range app.Stacks {
		app.Stacks[i].Reached = app.reached
	}
	app.commands(string(settings.App), named)
	app.Host, app.Owner, app.Repo, app.Branch = origin(dir)
	app.Uncommitted = uncommitted(dir, app.needed)
	return app, nil
}

// In returns the app for a configuration at a path relative to the inspected folder.
func (a App) In(configuration string) App {
	a.file = path.Join(a.inspected, filepath.ToSlash(configuration))
	return a
}

// around returns the top folder of the repository that contains dir, and the path of dir
// in it.
func around(dir string) (top, inside string, err error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("finding the folder %q: %w", dir, err)
	}
	if !isFolder(absolute) {
		return "", "", errs.Invalidf("folder %q does not exist", absolute).WithHint("set --source to a folder of the repository")
	}
	found, err := repository.Around(absolute)
	if err != nil {
		return absolute, ".", nil
	}
	relative, err := filepath.Rel(found.Top, absolute)
	if err != nil || !filepath.IsLocal(relative) {
		return absolute, ".", nil
	}
	return found.Top, filepath.ToSlash(relative), nil
}

func within(folder string, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, path.Join(folder, name))
	}
	return all
}

// choose returns the folder of the chosen app, and those of the others,
// relative to dir.
func choose(dir, choice string) (folder string, others []string, err error) {
	apps := findApps(dir)
	switch {
	case choice != "":
		folder = path.Clean(filepath.ToSlash(choice))
		if absolute := filepath.Clean(choice); filepath.IsAbs(absolute) {
			root, _ := filepath.Abs(dir)
			inside, relErr := filepath.Rel(root, absolute)
			if relErr == nil {
				folder = filepath.ToSlash(inside)
			}
		}
		folder = strings.TrimSuffix(folder, "/cdk.json")
		if !filepath.IsLocal(filepath.FromSlash(folder)) || !isApp(filepath.Join(dir, filepath.FromSlash(folder))) {
			return "", nil, errs.Invalidf("there is no CDK app in %s of %s; it has %s", choice, dir, Listed("CDK app", apps)).
				WithHint("--app takes the folder of a cdk.json, relative to --source")
		}
	case len(apps) == 0:
		return "", nil, errs.Invalidf("there is no CDK app in %s: no cdk.json there or in the folders below", dir).
			WithHint("change to the application's folder, or create an app with `npx aws-cdk init app --language typescript`")
	case apps[0] == "." || len(apps) == 1:
		folder = apps[0]
	default:
		return "", nil, errs.Invalidf("%s has %s", dir, Listed("CDK app", apps)).
			WithHint("choose one: generator init --app %s writes the configuration here, --source %s next to the app", forShell(apps[0]), forShell(apps[0]))
	}
	return folder, slices.DeleteFunc(apps, func(app string) bool { return app == folder }), nil
}

// listLimit is the most names in a sentence.
const listLimit = 20

// Listed returns a list for a sentence, such as `2 stacks: Api, Web`. Names that are not
// plain words are quoted.
func Listed(word string, names []string) string {
	if len(names) == 0 {
		return "no " + word
	}
	var shown []string
	for _, name := range names[:min(len(names), listLimit)] {
		shown = append(shown, quote(name))
	}
	all := fmt.Sprintf("%d %ss: %s", len(names), word, strings.Join(shown, ", "))
	if len(names) == 1 {
		all = fmt.Sprintf("1 %s: %s", word, shown[0])
	}
	if len(names) > listLimit {
		all += fmt.Sprintf(" and %d more", len(names)-listLimit)
	}
	return all
}

// findApps returns the folders with a cdk.json in dir and below, relative to dir,
// by their names. dir itself is the first.
func findApps(dir string) []string {
	var apps []string
	visited := 0
	_ = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error { // unreadable folders are skipped
		visited++
		switch {
		case visited > visitLimit:
			return fs.SkipAll
		case err != nil:
			return fs.SkipDir
		case !entry.IsDir():
			return nil
		}
		name, err := filepath.Rel(dir, file)
		if err != nil || name != "." && installed(entry.Name()) {
			return fs.SkipDir
		}
		if isApp(file) {
			apps = append(apps, filepath.ToSlash(name))
		}
		return nil
	})
	return apps
}

// text returns the beginning of a file, or "" if it cannot be read.
func text(file string) string {
	if !exists(file) {
		return ""
	}
	opened, err := limits.Open(file)
	if err != nil {
		return ""
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, fileLimit))
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return string(data)
}

// usable returns the stacks that a configuration can name, each once.
func (a App) usable() []Stack {
	seen := map[string]bool{}
	var stacks []Stack
	for _, stack := range a.Stacks {
		if seen[stack.Name] || !config.Accepts[config.Stack]("name", stack.Name) {
			continue
		}
		seen[stack.Name] = true
		if !config.Accepts[config.Stack]("path", stack.Path) {
			stack.Path = a.path()
		}
		stacks = append(stacks, stack)
	}
	return stacks
}

// path returns the app's folder as the path of a stack, or "" if it is not a valid one.
func (a App) path() string {
	if folder := path.Clean(a.Folder); config.Accepts[config.Stack]("path", folder) {
		return folder
	}
	return ""
}

// Recognised returns the names of the stacks found in the source; none if the
// configuration selects all stacks of the app.
func (a App) Recognised() []string {
	var names []string
	for _, stack := range a.usable() {
		names = append(names, stack.Name)
	}
	return names
}
