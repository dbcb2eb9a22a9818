package scaffold

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// commands determines the commands that build the app and test its deployment. They run
// at the top of the repository. named are possible paths in the app's source.
func (a *App) commands(run string, named []string) {
	a.python(run)
	a.javascript(run, named)
	a.toolchain(run)
}

// at reports whether a file is in a folder of the repository.
func (a *App) at(folder, file string) bool {
	return exists(filepath.Join(a.Top, filepath.FromSlash(folder), file))
}

// need notes a file that the build needs.
func (a *App) need(folder, file string) {
	if name := path.Join(folder, file); !slices.Contains(a.needed, name) {
		a.needed = append(a.needed, name)
	}
}

func (a *App) text(folder, file string) string {
	return text(filepath.Join(a.Top, filepath.FromSlash(folder), file))
}

// upwards returns the nearest folder with one of the files, from the app's folder
// to the top; ok is false if there is none.
func (a *App) upwards(files ...string) (folder, file string, ok bool) {
	for folder := a.Folder; ; folder = path.Dir(folder) {
		for _, file := range files {
			if a.at(folder, file) {
				return folder, file, true
			}
		}
		if folder == "." {
			return "", "", false
		}
	}
}

var simpleFolder = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

// in returns a command that runs in a folder of the repository.
func in(folder, command string) string {
	switch {
	case folder == ".":
		return command
	case simpleFolder.MatchString(folder):
		return "cd " + folder + " && " + command
	}
	return "cd '" + strings.ReplaceAll(folder, "'", `'\''`) + "' && " + command
}

// python installs the packages in a virtual environment in the workspace, as packages
// outside the workspace do not reach the deployment.
func (a *App) python(run string) {
	if !strings.Contains(run, "python") && !strings.Contains(run, ".py") {
		return
	}
	const venv = "python3 -m venv .venv && .venv/bin/pip install "
	folder, file, found := a.upwards("uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt", "pyproject.toml", "setup.py")
	if !found {
		a.Notes = append(a.Notes, "No requirements.txt lists the app's packages: "+venv+"aws-cdk-lib installs some; the app runs with .venv/bin first in PATH.")
		return
	}
	install := map[string]string{
		"uv.lock":          venv + "uv && .venv/bin/uv sync --frozen --inexact",
		"poetry.lock":      venv + "poetry && POETRY_VIRTUALENVS_IN_PROJECT=true .venv/bin/poetry install --no-interaction --no-root",
		"Pipfile.lock":     venv + "pipenv && PIPENV_VENV_IN_PROJECT=1 .venv/bin/pipenv sync",
		"requirements.txt": venv + "-r requirements.txt",
		"pyproject.toml":   venv + ".",
		"setup.py":         venv + ".",
	}
	a.need(folder, file)
	a.Build = append(a.Build, in(folder, install[file]))
}

// toolchain determines how an app in a compiled language is built. The images have no
// compiler for it.
func (a *App) toolchain(run string) {
	word := firstProgram(run)
	switch {
	case word == "go" || word == "" && a.at(a.Folder, "go.mod"):
		a.missing("Go", "go build ./...")
	case word == "mvn" || word == "mvnw":
		maven := map[bool]string{true: "./mvnw", false: "mvn"}[a.at(a.Folder, "mvnw")]
		a.missing("a JDK and Maven", maven+" -q package -DskipTests")
	case word == "gradle" || word == "gradlew":
		gradle := map[bool]string{true: "./gradlew", false: "gradle"}[a.at(a.Folder, "gradlew")]
		a.missing("a JDK and Gradle", gradle+" assemble")
	case word == "java":
		a.missing("a JDK", "")
	case word == "dotnet":
		a.missing("the .NET SDK", "dotnet build "+map[bool]string{true: "src", false: ""}[isFolder(filepath.Join(a.Top, filepath.FromSlash(a.Folder), "src"))])
	}
}

func (a *App) missing(what, command string) {
	if command != "" {
		a.Build = append(a.Build, in(a.Folder, strings.TrimSpace(command)))
	}
	a.Notes = append(a.Notes, "The images of builder and deployer lack "+what+", which both need: extend them (images/README.md), and set\n`builderImage` and `deployerImage`. A local run uses what is installed on this machine.")
}

var program = regexp.MustCompile(`(?:^|&&|;|\s)(?:\./)?(go|mvnw?|gradlew?|dotnet|java)\s`)

func firstProgram(run string) string { return firstOf(program, run) }
