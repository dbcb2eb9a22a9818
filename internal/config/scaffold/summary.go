package scaffold

import (
	"fmt"
	"regexp"
	"strings"
)

// Summary says which stacks of the app its configuration selects, and what it lacks, a
// sentence each. The stacks are those of the source, or of the app's assembly.
func (a App) Summary(synthesized bool) []string {
	var lines []string
	names := a.Recognised()
	switch {
	case names == nil && !synthesized:
		lines = append(lines, fmt.Sprintf("no stack was recognized in the source of the CDK app in %s, so the file selects every stack of the app; "+
			"generator init --synth runs the app and lists them", a.Folder))
	case names == nil:
		lines = append(lines, fmt.Sprintf("the CDK app in %s has no stack, so the file selects every stack", a.Folder))
	default:
		lines = append(lines, fmt.Sprintf("the CDK app in %s has %s", a.Folder, Listed("stack", names)))
	}
	if a.Others != nil {
		lines = append(lines, fmt.Sprintf("not in the file: %s; for another app run generator init --source DIR", Listed("CDK app", a.Others)))
	}
	if a.Uncommitted != nil {
		lines = append(lines, "not committed yet, and a run builds a commit: "+Listed("file", a.Uncommitted))
	}
	return lines
}

// NextStep says what to do with a configuration that was written to a file in source.
func (a App) NextStep(source, config, file string) string {
	commit := "commit it"
	if a.Uncommitted != nil {
		commit = "commit it with them"
	}
	next := "generator run --source " + forShell(source)
	if config != "aphex-config.yaml" {
		next += " -c " + forShell(config)
	}
	return fmt.Sprintf("wrote %s; review it, %s, then run: %s", file, commit, next)
}

// plainWord matches names that need no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_+=:,.@/-]+$`)

// forShell quotes a name for a command that somebody copies.
func forShell(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
