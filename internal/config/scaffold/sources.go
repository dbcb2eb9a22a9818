package scaffold

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Limits of what is read of one app.
const (
	fileLimit  = 1 << 20 // bytes of a source file
	filesLimit = 3000    // source files
	visitLimit = 50000   // files and folders of any kind
)

// source is a source file without its comments.
type source struct {
	*language
	file string   // relative to the top folder, with slashes
	text string   // without comments
	code string   // text with its string literals blanked
	own  []*class // in the order of the text

	brackets map[int]int // of the code: offset after each closing one, by that of the opening one
}

// tree is the source of one app.
type tree struct {
	top     string // folder that all names are relative to
	app     string // folder of the app, relative to top
	files   []*source
	byName  map[string]*source
	classes map[string][]*class
	context map[string]any // of cdk.json

	constants map[string]string             // values of names, by file and name
	imports   map[string][]string           // files that a file of TypeScript or Python imports
	names     map[*source]map[string]string // source of each imported name of a file
	ids       map[*class]string             // ids that classes set themselves
	holders   map[*class]bool               // whether a construct creates stacks
	steps     int                           // bytes read more than once, for tests
}

// grow reads the sources below the app's folder, and those outside it that the entries
// import. Folders of other apps, installed packages and build outputs are left out; nested
// includes the folders of other apps.
func grow(top, app string, entries []string, nested bool) *tree {
	t := &tree{top: top, app: app, byName: map[string]*source{}, classes: map[string][]*class{}, constants: map[string]string{}, imports: map[string][]string{}, names: map[*source]map[string]string{}, ids: map[*class]string{}, holders: map[*class]bool{}}
	for _, file := range sourceFiles(filepath.Join(top, filepath.FromSlash(app)), nested) {
		t.add(path.Join(app, file))
	}
	t.reach(entries)
	for _, s := range t.files {
		s.own = classesIn(s)
		for _, c := range s.own {
			t.classes[c.name] = append(t.classes[c.name], c)
			t.steps += c.read
		}
	}
	return t
}

func (t *tree) add(file string) *source {
	if s := t.byName[file]; s != nil {
		return s
	}
	language := languageOf(file)
	if language == nil || len(t.files) >= filesLimit {
		return nil
	}
	s := &source{language: language, file: file, text: withoutComments(text(filepath.Join(t.top, filepath.FromSlash(file))), language.hash)}
	s.code = withoutLiterals(s.text, language)
	s.brackets = bracketsIn(s.code)
	t.byName[file] = s
	t.files = append(t.files, s)
	return s
}

// reach returns the entries and every file of the app that they import, directly or
// indirectly, in this order.
func (t *tree) reach(entries []string) []*source {
	seen := map[string]bool{}
	var found []*source
	for queue := entries; len(queue) > 0 && len(seen) < filesLimit; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		if s := t.add(queue[0]); s != nil {
			found = append(found, s)
			queue = append(queue, t.importedBy(s)...)
		}
	}
	return found
}

var (
	importedModule = regexp.MustCompile(`(?:\bfrom|\bimport|\brequire\s*\()\s*['"](\.[^'"\n]*)['"]`)
	importedPython = regexp.MustCompile(`(?m)^\s*(?:from\s+([\w.]+)\s+import\s+([^\n#]+)|import\s+([\w.]+))`)
)

// importedBy returns the files of the app that a file imports.
func (t *tree) importedBy(s *source) []string {
	if files, known := t.imports[s.file]; known {
		return files
	}
	files := t.findImports(s)
	if s.name == "TypeScript" || s.name == "Python" { // elsewhere they are the files that are known by now
		t.imports[s.file] = files
	}
	return files
}

func (t *tree) findImports(s *source) []string {
	t.steps += len(s.text)
	var files []string
	switch s.name {
	case "TypeScript":
		for _, match := range importedModule.FindAllStringSubmatch(s.text, -1) {
			files = append(files, t.module(s, match[1]))
		}
	case "Python":
		for _, match := range importedPython.FindAllStringSubmatch(s.text, -1) {
			module := match[1] + match[3]
			files = append(files, t.pythonModule(s, module))
			for _, name := range strings.FieldsFunc(match[2], func(r rune) bool { return strings.ContainsRune("(), ", r) }) {
				files = append(files, t.pythonModule(s, strings.TrimSuffix(module, ".")+"."+name))
			}
		}
	default: // there are no imports of files: all files of the app belong together
		for _, other := range t.files {
			if other.language == s.language {
				files = append(files, other.file)
			}
		}
	}
	return files
}

// module returns the file of `../lib/api-stack`, or "".
func (t *tree) module(s *source, name string) string {
	base := path.Join(path.Dir(s.file), name)
	if trimmed, isJS := strings.CutSuffix(base, ".js"); isJS {
		if file := existing(t.top, trimmed, ".ts", ".tsx"); file != "" {
			return file
		}
	}
	return existing(t.top, base, ".ts", ".tsx", ".mts", ".js", ".mjs", ".cjs", ".jsx", "/index.ts", "/index.js", "")
}

// pythonModule returns the file of `shop.api_stack`, relative to a file or to the app's
// folder, or "".
func (t *tree) pythonModule(s *source, name string) string {
	from := []string{path.Dir(s.file), t.app}
	if rest := strings.TrimLeft(name, "."); rest != name {
		from = []string{path.Join(path.Dir(s.file), strings.Repeat("../", len(name)-len(rest)-1))}
		name = rest
	}
	for _, folder := range from {
		if file := existing(t.top, path.Join(folder, strings.ReplaceAll(name, ".", "/")), ".py", "/__init__.py"); file != "" {
			return file
		}
	}
	return ""
}

func existing(dir, base string, endings ...string) string {
	for _, ending := range endings {
		if filepath.IsLocal(base) && exists(filepath.Join(dir, filepath.FromSlash(base+ending))) {
			return base + ending
		}
	}
	return ""
}

// sourceFiles returns the sources below an app's folder, relative to it, sorted by name;
// nested includes those of other apps.
func sourceFiles(dir string, nested bool) []string {
	var files []string
	visited := 0
	_ = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error { // unreadable files are skipped
		name, relErr := filepath.Rel(dir, file)
		visited++
		switch {
		case visited > visitLimit:
			return fs.SkipAll
		case err != nil || relErr != nil:
			return fs.SkipDir
		case entry.IsDir() && name != "." && (installed(entry.Name()) || !nested && isApp(file)):
			return fs.SkipDir
		case entry.Type().IsRegular() && isSource(name) && !isTest(filepath.ToSlash(name)):
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	return withoutCompiled(files)
}

// installed reports whether a folder of this name contains installed or generated files.
func installed(name string) bool {
	switch name {
	case "node_modules", "cdk.out", "__pycache__", "venv", "vendor", "site-packages", "target", "obj", "dist", "testdata":
		return true
	}
	return strings.HasPrefix(name, ".")
}

func isApp(dir string) bool { return exists(filepath.Join(dir, "cdk.json")) }

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

func isFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// hasTests reports whether a folder contains tests that a runner such as jest finds.
func hasTests(top, folder string) bool {
	found, visited := false, 0
	dir := filepath.Join(top, filepath.FromSlash(folder))
	_ = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error { // unreadable folders are skipped
		visited++
		name, relErr := filepath.Rel(dir, file)
		switch {
		case err != nil || relErr != nil:
			return fs.SkipDir
		case visited > visitLimit:
			return fs.SkipAll
		case entry.IsDir() && name != "." && installed(entry.Name()):
			return fs.SkipDir
		case entry.Type().IsRegular() && isSource(name) && isTest(filepath.ToSlash(name)):
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}
