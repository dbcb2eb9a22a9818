package scaffold

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// literalLimit is the most paths of one app that are checked.
const literalLimit = 20_000

// literals returns the possible paths in string literals of the app's source: of one
// literal, and of those in a call of join or resolve, relative to the app's folder and to
// the file's. The results are relative to the top.
func (t *tree) literals(entries []string) []string {
	var found []string
	seen := map[string]bool{}
	for _, s := range t.reach(entries) {
		texts := textsIn(s.text)
		for _, at := range joining.FindAllStringIndex(s.text, -1) {
			call := s.text[at[1]-1 : closing(s.text, at[1]-1, at[1]+callLimit)]
			texts = append(texts, path.Join(textsIn(call)...))
		}
		for _, text := range texts {
			for _, folder := range []string{t.app, path.Dir(s.file)} {
				name := path.Join(folder, text)
				if seen[name] || len(seen) >= literalLimit || !filepath.IsLocal(filepath.FromSlash(name)) {
					continue
				}
				seen[name] = true
				found = append(found, name)
			}
		}
	}
	return found
}

var (
	// path.join(__dirname, '..', 'website')
	joining = regexp.MustCompile(`\b(?:join|resolve)\s*\(`)
	// the longest literal that may be a path
	pathText = regexp.MustCompile(`^[^\s:*$\\]{1,200}$`)
)

func textsIn(source string) []string {
	var texts []string
	for i := 0; i < len(source); {
		if strings.IndexByte("\"'`", source[i]) < 0 {
			i++
			continue
		}
		end := min(endOfText(source, i), len(source))
		if text := strings.Trim(source[i:end], "\"'`"); pathText.MatchString(text) {
			texts = append(texts, text)
		}
		i = end
	}
	return texts
}

// parts installs and builds packages that the app's source names and no script installs,
// such as a website or a function with its own package.json: without that, incomplete
// packages would be deployed.
func (a *App) parts(home, run string, named []string) {
	scripts := append(a.scriptsRun(home), run)
	var done []string
	for _, name := range named {
		folder := a.packageOf(name)
		if folder == "" || slices.Contains(done, folder) {
			continue
		}
		done = append(done, folder)
		part := a.manifest(folder)
		installs, enters := installedBy(scripts, folder, home)
		if installs || len(part.Dependencies)+len(part.DevDependencies) == 0 && part.Scripts["build"] == "" {
			continue
		}
		m := a.managerOf(folder)
		a.Build = append(a.Build, in(folder, m.install))
		if part.Scripts["build"] != "" && !enters {
			a.Build = append(a.Build, in(folder, m.run+"build"))
		}
	}
}

// packageOf returns the folder of the package that contains a path, unless that is the
// app's package or above it, another app, a member of a workspace, or for an image, whose
// Dockerfile installs it.
func (a *App) packageOf(name string) string {
	for folder := name; !contains(folder, a.Folder); folder = path.Dir(folder) {
		switch {
		case slices.Contains(strings.Split(folder, "/"), "node_modules"), a.at(folder, "Dockerfile"), a.at(folder, "cdk.json"):
			return ""
		case a.at(folder, "package.json"):
			if a.isMemberAbove(folder) {
				return ""
			}
			return folder
		}
	}
	return ""
}

// contains reports whether a folder is another one or above it.
func contains(folder, other string) bool {
	return folder == "." || folder == other || strings.HasPrefix(other, folder+"/")
}

var runsScript = regexp.MustCompile(`\b(?:(?:npm|pnpm|bun) run(?:-script)?|yarn(?: run)?)\s+([\w:.-]+)`)

// scriptsRun returns the scripts of the app's package.json that the installation and the
// build run, including those called by others.
func (a *App) scriptsRun(home string) []string {
	if home != a.Folder {
		return nil
	}
	all := a.manifest(home).Scripts
	var found []string
	seen := map[string]bool{}
	for queue := []string{"install", "prepare", "build", "test"}; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		for _, when := range []string{"pre", "", "post"} {
			script := all[when+queue[0]]
			found = append(found, script)
			for _, match := range runsScript.FindAllStringSubmatch(script, -1) {
				queue = append(queue, match[1])
			}
		}
	}
	return found
}

var installs = regexp.MustCompile(`\b(?:(?:npm|pnpm|yarn|bun)\s+(?:i|ci|install)\b|yarn\s*(?:$|[;&|)]))`)

// installedBy reports whether one of the scripts, which run in home, installs the packages
// of a folder, and whether one changes to it at all.
func installedBy(scripts []string, folder, home string) (installed, visited bool) {
	relative, err := filepath.Rel(filepath.FromSlash(home), filepath.FromSlash(folder))
	if err != nil {
		return false, false
	}
	enter := regexp.MustCompile(`(?:\bcd|--prefix|--cwd|--dir|-C)[ =]+["']?(?:\./)?` + regexp.QuoteMeta(filepath.ToSlash(relative)) + `/?["']?(?:[\s;&|)]|$)`)
	for _, script := range scripts {
		if enter.MatchString(script) {
			visited = true
			installed = installed || installs.MatchString(script)
		}
	}
	return installed, visited
}
