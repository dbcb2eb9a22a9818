package scaffold

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

// App is what a folder tells about the CDK app in it. Whatever it does not tell
// is empty.
type App struct {
	Folder string   // of the cdk.json, relative to the inspected folder
	Build  []string // commands that install, build and test the app
	Tests  []string // commands that test a deployment
	Stacks []Stack  // in the order of the source
	Owner  string   // of the GitHub repository
	Repo   string
	Branch string // its main branch
}

// Stack is a stack as the app's source creates it.
type Stack struct {
	Name    string // in CloudFormation
	Path    string // of its source, relative to the inspected folder
	Account string // if the source has it as a literal
	Region  string // likewise
}

// fileLimit is how much of a source file is read, in bytes.
const fileLimit = 1 << 20

// Inspect looks at the CDK app in a folder or, when it has no cdk.json itself,
// in the nearest folder below. Its error says that there is no app or that it
// cannot be read.
func Inspect(dir string) (App, error) {
	folder, err := findApp(dir)
	if err != nil {
		return App{}, err
	}
	command, err := appCommand(filepath.Join(dir, folder))
	if err != nil {
		return App{}, err
	}
	app := App{Folder: filepath.ToSlash(folder)}
	app.Build, app.Tests = commands(dir, folder)
	for _, file := range entryFiles(filepath.Join(dir, folder), command) {
		app.Stacks = append(app.Stacks, stacksIn(dir, folder, file)...)
	}
	app.Owner, app.Repo, app.Branch = origin(dir)
	return app, nil
}

// findApp gives the folder of the nearest cdk.json, at most two levels down,
// relative to dir.
func findApp(dir string) (string, error) {
	for _, pattern := range []string{"cdk.json", "*/cdk.json", "*/*/cdk.json"} {
		found, err := filepath.Glob(filepath.Join(escape(dir), pattern))
		if err != nil {
			return "", fault.Invalidf("looking for a CDK app in %s: %w", dir, err)
		}
		for _, file := range found {
			folder, err := filepath.Rel(dir, filepath.Dir(file))
			if err == nil && !hidden(folder) {
				return folder, nil
			}
		}
	}
	return "", fault.Invalidf("there is no CDK app in %s: no cdk.json there or in two levels of folders below", dir).
		WithHint("go to the application's folder, or make an app with `cdk init app --language typescript`")
}

// read gives the beginning of a file, and "" for one that does not exist.
func read(file string) (string, error) {
	opened, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fault.Invalidf("reading the CDK app: %w", err)
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, fileLimit))
	if err != nil {
		return "", fault.Invalidf("reading the CDK app: %w", err)
	}
	return string(data), nil
}

// text gives the beginning of a file that may as well be missing.
func text(file string) string {
	content, err := read(file)
	if err != nil {
		return ""
	}
	return content
}

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir()
}
