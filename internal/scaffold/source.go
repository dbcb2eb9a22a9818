package scaffold

import (
	"cmp"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// const app = new cdk.App()
	appVariable = regexp.MustCompile(`([A-Za-z_$][\w$]*)\s*(?::\s*[\w.]+\s*)?=\s*(?:new\s+)?(?:[\w$]+\.)*App\s*\(`)
	// new ApiStack(app, "Api", …) and in Python ApiStack(app, "Api", …)
	creation    = regexp.MustCompile("(?:[\\w$]+\\.)*([\\w$]+)\\s*\\(\\s*([A-Za-z_$][\\w$]*)\\s*,\\s*(?:construct_id\\s*=\\s*|id\\s*=\\s*)?['\"`]([^'\"`$\\n]+)['\"`]")
	stackName   = regexp.MustCompile("\\b(?:stackName|stack_name)\\s*[:=]\\s*['\"`]([^'\"`$\\n]+)['\"`]")
	accountText = regexp.MustCompile("\\baccount['\"]?\\s*[:=]\\s*['\"`]([0-9]{12})['\"`]")
	regionText  = regexp.MustCompile("\\bregion['\"]?\\s*[:=]\\s*['\"`]([a-z0-9-]+)['\"`]")
	// { env: dev }, { env } and in Python env=dev
	envName = regexp.MustCompile(`\benv\s*(?:[:=]\s*([A-Za-z_$][\w$.]*)|[,}])`)
	// import { ApiStack } from "../lib/api-stack"; const { ApiStack } = require("../lib/api-stack")
	imported = regexp.MustCompile(`\{([^{}]*)\}\s*(?:from\s*|=\s*require\s*\(\s*)['"](\.[^'"\n]*)['"]`)
	// from shop.api_stack import ApiStack
	importedPython = regexp.MustCompile(`(?m)^\s*from\s+([\w.]+)\s+import\s+([^\n#]+)`)
)

// stackLimit is how many creations of one source file are looked at.
const stackLimit = 500

// stacksIn gives the stacks that a source file creates in its app. The file is
// relative to the app's folder, which is relative to dir.
func stacksIn(dir, folder, file string) []Stack {
	source := withoutComments(text(filepath.Join(dir, folder, file)), strings.HasSuffix(file, ".py"))
	apps := map[string]bool{}
	for _, match := range appVariable.FindAllStringSubmatch(source, -1) {
		apps[match[1]] = true
	}
	homes := imports(dir, folder, file, source)
	var stacks []Stack
	for _, at := range creation.FindAllStringSubmatchIndex(source, stackLimit) {
		class, scope, id := source[at[2]:at[3]], source[at[4]:at[5]], source[at[6]:at[7]]
		if !apps[scope] || !isStack(class, homes) {
			continue
		}
		call := callAt(source, at[0])
		target := targetOf(call, source)
		stacks = append(stacks, Stack{
			Name: firstOf(stackName, call, id), Path: pathOf(homes[class], folder, file),
			Account: firstOf(accountText, target, ""), Region: firstOf(regionText, target, ""),
		})
	}
	return stacks
}

// isStack says whether a class that is given the app is one of stacks: by its
// name, or because it is the author's own and no stage.
func isStack(class string, homes map[string]string) bool {
	own := homes[class] != "" && !strings.Contains(class, "Stage")
	return own || strings.Contains(class, "Stack")
}

// pathOf gives where a stack's class is: in an imported file, or in this one.
func pathOf(home, folder, file string) string {
	if home != "" {
		return home
	}
	return path.Join(filepath.ToSlash(folder), file)
}

// targetOf gives the text that says where a stack goes: the stack's own
// arguments, or the constant that they name as its `env`.
func targetOf(call, source string) string {
	named := envName.FindStringSubmatch(call)
	if named == nil || accountText.MatchString(call) || regionText.MatchString(call) {
		return call
	}
	name := cmp.Or(named[1][strings.LastIndexByte(named[1], '.')+1:], "env")
	constant := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `['"]?\s*(?::\s*[\w.]+\s*=|[:=])\s*(?:[\w.]*\(|\{)([^{}()]*)`)
	return firstOf(constant, source, "")
}

// firstOf gives what the pattern's group finds first, or else the alternative.
func firstOf(pattern *regexp.Regexp, source, alternative string) string {
	if match := pattern.FindStringSubmatch(source); match != nil {
		return match[1]
	}
	return alternative
}

// imports gives, for each imported name, the file it comes from, relative to dir.
func imports(dir, folder, file, source string) map[string]string {
	homes := map[string]string{}
	for _, match := range imported.FindAllStringSubmatch(source, -1) {
		base := path.Join(filepath.ToSlash(folder), path.Dir(file), match[2])
		addNames(homes, match[1], existing(dir, base, ".ts", ".mts", ".js", ".mjs", ".cjs", "/index.ts", "/index.js", ""))
	}
	for _, match := range importedPython.FindAllStringSubmatch(source, -1) {
		base := path.Join(filepath.ToSlash(folder), path.Dir(file), strings.ReplaceAll(match[1], ".", "/"))
		addNames(homes, strings.Trim(match[2], "() "), existing(dir, base, ".py", "/__init__.py"))
	}
	return homes
}

// addNames takes in a list such as `ApiStack, EdgeStack as Edge`.
func addNames(homes map[string]string, list, home string) {
	for _, item := range strings.Split(list, ",") {
		words := strings.Fields(strings.ReplaceAll(item, ":", " as "))
		if len(words) > 0 && home != "" {
			homes[words[len(words)-1]] = home
		}
	}
}

func existing(dir, base string, endings ...string) string {
	for _, ending := range endings {
		if filepath.IsLocal(base) && exists(filepath.Join(dir, base+ending)) {
			return base + ending
		}
	}
	return ""
}
