package scaffold

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/cdkapp"
)

// installers are the package managers by the lock file that tells them.
var installers = []struct{ lock, install, run string }{
	{"pnpm-lock.yaml", "pnpm install --frozen-lockfile", "pnpm run "},
	{"yarn.lock", "yarn install --frozen-lockfile", "yarn run "},
	{"package-lock.json", "npm ci", "npm run "},
	{"npm-shrinkwrap.json", "npm ci", "npm run "},
	{"package.json", "npm install", "npm run "},
}

// deploymentTests are the names that scripts against a deployment usually have.
var deploymentTests = []string{
	"integration-test", "integration-tests", "test:integration", "test-integration", "integ", "test:integ",
	"e2e", "test:e2e", "e2e-test", "smoke", "test:smoke", "smoke-test",
}

// commands gives how the app is built, and how a deployment of it is tested.
func commands(dir, folder string) (build, tests []string) {
	home := filepath.Join(dir, folder)
	if exists(filepath.Join(home, "requirements.txt")) {
		build = append(build, "pip install -r requirements.txt")
	}
	for _, installer := range installers {
		if exists(filepath.Join(home, installer.lock)) {
			more, forTests := scripts(home, installer.install, installer.run)
			build, tests = append(build, more...), forTests
			break
		}
	}
	return inFolder(folder, build), inFolder(folder, tests)
}

func scripts(home, install, run string) (build, tests []string) {
	var described struct{ Scripts map[string]string }
	_ = cdkapp.ReadJSON(filepath.Join(home, "package.json"), &described) // what is no JSON has no scripts
	build = []string{install}
	for _, name := range []string{"build", "test"} {
		if script := described.Scripts[name]; script != "" && !strings.Contains(script, "no test specified") {
			build = append(build, run+name)
		}
	}
	for _, name := range deploymentTests {
		if described.Scripts[name] != "" {
			tests = append(tests, run+name)
		}
	}
	return build, tests
}

var simpleFolder = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

// inFolder makes commands run in the app's folder. Of a folder whose name a
// shell would not take as it stands nothing is proposed.
func inFolder(folder string, commands []string) []string {
	if folder == "." {
		return commands
	}
	folder = filepath.ToSlash(folder)
	if !simpleFolder.MatchString(folder) {
		return nil
	}
	moved := make([]string, 0, len(commands))
	for _, command := range commands {
		moved = append(moved, "cd "+folder+" && "+command)
	}
	return moved
}
