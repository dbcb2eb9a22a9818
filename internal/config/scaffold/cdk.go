package scaffold

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// settings are the parts of cdk.json that are read.
type settings struct {
	App     cdkapp.Command `json:"app"`
	Context map[string]any `json:"context"`
}

func readSettings(folder string) (settings, error) {
	file := filepath.Join(folder, "cdk.json")
	var s settings
	if err := cdkapp.ReadJSON("", file, &s); err != nil {
		return settings{}, errs.Invalidf("reading %s: %w", file, err).WithHint("it must be JSON that the CDK can read")
	}
	return s, nil
}

// reached returns the CDK bootstrap that cdk.json sets for every stack.
func (s settings) reached() []bootstrap.Bootstrap {
	if qualifier, ok := s.Context["@aws-cdk/core:bootstrapQualifier"].(string); ok {
		return []bootstrap.Bootstrap{{Qualifier: qualifier}}
	}
	return nil
}

var mainClass = regexp.MustCompile(`(?:mainClass=|mainClass>)\s*([\w.]+)`)

// entryFiles returns the sources that the app's command names or, if it names none, the
// entries of the CDK's templates. They are relative to the folder.
func entryFiles(folder, command string) []string {
	var named []string
	for _, word := range strings.Fields(command) {
		if entry := written(folder, filepath.ToSlash(strings.Trim(word, `"';`))); entry != "" {
			named = append(named, entry)
		}
	}
	if named != nil {
		return named
	}
	for _, pattern := range []string{"bin/*", "src/main.*", "app.py", "*.go"} {
		named = append(named, matching(folder, pattern)...)
	}
	if class := mainClass.FindStringSubmatch(command + text(filepath.Join(folder, "pom.xml")) + text(filepath.Join(folder, "build.gradle"))); class != nil {
		file := path.Base(strings.ReplaceAll(class[1], ".", "/")) + ".java"
		for _, source := range sourceFiles(folder, true) {
			if path.Base(source) == file {
				named = append(named, source)
			}
		}
	}
	return withoutCompiled(named)
}

func matching(folder, pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(escape(folder), pattern))
	var names []string
	for _, file := range found {
		if entry, err := filepath.Rel(folder, file); err == nil && isSource(entry) && !isTest(filepath.ToSlash(entry)) {
			names = append(names, filepath.ToSlash(entry))
		}
	}
	return names
}

// written returns the source of the file that a word of the app's command names, or "".
// For dist/bin/shop.js that is bin/shop.ts, if it exists.
func written(folder, word string) string {
	if !filepath.IsLocal(word) {
		return ""
	}
	candidates := []string{word}
	switch base, isJS := strings.CutSuffix(word, ".js"); {
	case isJS:
		_, below, _ := strings.Cut(base, "/")
		candidates = []string{base + ".ts", below + ".ts", "src/" + below + ".ts", word}
	case path.Ext(word) == "": // node and ts-node find `bin/shop` too
		candidates = []string{word + ".ts", word + ".js", word + "/index.ts", word + "/index.js"}
	case !isSource(word):
		return ""
	}
	for _, candidate := range candidates {
		if exists(filepath.Join(folder, filepath.FromSlash(candidate))) {
			return path.Clean(candidate)
		}
	}
	return ""
}

// withoutCompiled leaves out .js files that were compiled from the .ts next to them.
func withoutCompiled(files []string) []string {
	typescript := map[string]bool{}
	for _, file := range files {
		typescript[file] = strings.HasSuffix(file, ".ts")
	}
	var kept []string
	for _, file := range files {
		if base, isJS := strings.CutSuffix(file, ".js"); !isJS || !typescript[base+".ts"] {
			kept = append(kept, file)
		}
	}
	return kept
}

// escape escapes a folder's name for filepath.Glob.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}
