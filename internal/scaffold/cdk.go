package scaffold

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// appCommand gives the command of a cdk.json that runs the app; it may be "".
func appCommand(folder string) (string, error) {
	file := filepath.Join(folder, "cdk.json")
	var settings struct{ App string }
	if err := cdkapp.ReadJSON(file, &settings); err != nil {
		return "", fault.Invalidf("reading %s: %w", file, err).WithHint("it must be the JSON that the CDK reads")
	}
	return settings.App, nil
}

// entryFiles gives the sources that the app's command names or, when it names
// none, those where the CDK's templates put it. They are relative to the folder.
func entryFiles(folder, command string) []string {
	var named []string
	for _, word := range strings.Fields(command) {
		if entry := written(folder, filepath.ToSlash(strings.Trim(word, `"'`))); entry != "" {
			named = append(named, entry)
		}
	}
	if named != nil {
		return named
	}
	for _, pattern := range []string{"bin/*", "src/main.*", "app.py"} {
		found, _ := filepath.Glob(filepath.Join(escape(folder), pattern))
		for _, file := range found {
			if entry, err := filepath.Rel(folder, file); err == nil && isSource(entry) {
				named = append(named, filepath.ToSlash(entry))
			}
		}
	}
	return withoutCompiled(named)
}

// written gives the source file that a person wrote behind a word of the app's
// command, or "". For dist/bin/shop.js that is bin/shop.ts, if there is one.
func written(folder, word string) string {
	if !filepath.IsLocal(word) || !isSource(word) {
		return ""
	}
	candidates := []string{word}
	if base, isJS := strings.CutSuffix(word, ".js"); isJS {
		_, below, _ := strings.Cut(base, "/")
		candidates = []string{base + ".ts", below + ".ts", "src/" + below + ".ts", word}
	}
	for _, candidate := range candidates {
		if exists(filepath.Join(folder, candidate)) {
			return candidate
		}
	}
	return ""
}

// isSource says whether a file is in a language whose stacks are recognised.
func isSource(file string) bool {
	return !strings.HasSuffix(file, ".d.ts") &&
		slices.Contains([]string{".ts", ".mts", ".js", ".mjs", ".cjs", ".py"}, filepath.Ext(file))
}

// withoutCompiled leaves out a .js that was compiled from the .ts beside it.
func withoutCompiled(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		base, isJS := strings.CutSuffix(file, ".js")
		return isJS && slices.Contains(files, base+".ts")
	})
}

// hidden says whether a folder holds no source of the app's author.
func hidden(folder string) bool {
	for _, part := range strings.Split(filepath.ToSlash(folder), "/") {
		if part == "node_modules" || part == "cdk.out" || (strings.HasPrefix(part, ".") && part != ".") {
			return true
		}
	}
	return false
}

// escape makes a folder's name match only itself in filepath.Glob.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}
