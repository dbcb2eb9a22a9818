package synth

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// commandLine completes the app's command as the CLI does: it runs a JavaScript
// file that is not executable with node.
func (o Options) commandLine(app string) string {
	if file, ok := o.interpreted(app); ok {
		return file
	}
	first, rest := firstWord(app)
	if file, ok := o.interpreted(first); ok {
		return strings.TrimSpace(file + " " + rest)
	}
	return app
}

// interpreted looks at a file where the command runs: hooks and builds may have made it.
func (o Options) interpreted(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	_, err := o.Runner.LookPath(from(o.place(o.App), name))
	switch {
	case err == nil:
		return quote(name), true
	case !errors.Is(err, fs.ErrPermission): // it is not there
		return "", false
	case filepath.Ext(name) == ".js":
		return "node " + quote(name), true
	}
	return quote(name), true
}

// firstWord splits a command line after its first word, which may be in double quotes.
func firstWord(line string) (word, rest string) {
	line = strings.TrimSpace(line)
	if quoted, isQuoted := strings.CutPrefix(line, `"`); isQuoted {
		word, rest, closed := strings.Cut(quoted, `"`)
		if closed {
			return word, strings.TrimSpace(rest)
		}
		return line, ""
	}
	word, rest, _ = strings.Cut(line, " ")
	return word, rest
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_+=:,.@/-]+$`)

// quote quotes a file name for the shell.
func quote(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
