package synth

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// commandLine completes the app's command as the CLI does: it runs a JavaScript
// file that is not executable with node.
func commandLine(dir, app string) string {
	if file, ok := interpreted(dir, app); ok {
		return file
	}
	first, rest := firstWord(app)
	if file, ok := interpreted(dir, first); ok {
		return strings.TrimSpace(file + " " + rest)
	}
	return app
}

func interpreted(dir, name string) (string, bool) {
	info, err := os.Stat(from(dir, name))
	if err != nil || name == "" {
		return "", false
	}
	if filepath.Ext(name) == ".js" && info.Mode()&0o111 == 0 {
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
