package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// language describes a language of CDK apps.
type language struct {
	name    string
	endings []string
	hash    bool // comments begin with # in place of //
	new     bool // an object is made with `new`

	// classes finds definitions: a name, and what it extends.
	classes *regexp.Regexp
}

var languages = []*language{
	{
		name: "TypeScript", endings: []string{".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"}, new: true,
		classes: regexp.MustCompile(`\bclass\s+([A-Za-z_$][\w$]*)\s*(?:<[^{]*?>)?\s*extends\s+([\w$.]+)`),
	},
	{
		name: "Python", endings: []string{".py"}, hash: true,
		classes: regexp.MustCompile(`(?m)^[ \t]*class\s+(\w+)\s*\(([^)]*)\)`),
	},
	{
		name: "Java", endings: []string{".java", ".kt"}, new: true,
		classes: regexp.MustCompile(`\bclass\s+(\w+)\s*(?:<[^{]*?>)?\s+extends\s+([\w.]+)`),
	},
	{
		name: "C#", endings: []string{".cs"}, new: true,
		classes: regexp.MustCompile(`\bclass\s+(\w+)\s*(?:<[^{]*?>)?\s*:\s*([\w.]+)`),
	},
	{
		name: "Go", endings: []string{".go"},
		classes: regexp.MustCompile(`(?m)^func\s+(\w+)\s*\([^)]*\)\s*\(?\s*([\w.*]+)`), // a function, and its result
	},
}

// languageOf returns the language of a source file, or nil.
func languageOf(file string) *language {
	if strings.HasSuffix(file, ".d.ts") {
		return nil
	}
	for _, language := range languages {
		if slices.Contains(language.endings, path.Ext(file)) {
			return language
		}
	}
	return nil
}

// isSource reports whether a file is in a supported language.
func isSource(file string) bool { return languageOf(file) != nil }

var testFile = regexp.MustCompile(`(?i)(^|/)(tests?|__tests__|spec)/|\.(test|spec|integ)\.\w+$|(^|/)(test_[^/]*|[^/]*_test)\.(py|go)$|Tests?\.(java|kt|cs)$`)

// isTest reports whether a file contains tests, which create other apps and stacks.
func isTest(file string) bool { return testFile.MatchString(file) }
