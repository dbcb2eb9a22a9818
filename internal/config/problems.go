package config

import (
	"cmp"
	"fmt"
	"strings"
)

// shownLimit is the number of problems that Error prints; JSON has them all.
const shownLimit = 100

// Problem is one error in a configuration file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`            // from 1; 0 for the file as a whole
	Column  int    `json:"column"`          // from 1, in characters; 0 as Line
	Path    string `json:"path,omitempty"`  // of the value, such as environments[1].account
	Message string `json:"message"`         // error and expected value
	Value   string `json:"value,omitempty"` // invalid value, shortened; never a secret
	Hint    string `json:"hint,omitempty"`  // how to fix it

	width   int
	excerpt excerpt
	others  int // further problems that this one summarizes
}

// Problems are all errors of a configuration file, in the order of the file.
type Problems []Problem

// Error formats the problems: each with its position, message, line with a caret,
// and hint; then their number.
func (p Problems) Error() string {
	var text strings.Builder
	for _, problem := range p[:min(len(p), shownLimit)] {
		text.WriteString(problem.String())
	}
	if hidden := p.count() - shownLimit; hidden > 0 {
		fmt.Fprintf(&text, "and %d more\n", hidden)
	}
	if len(p) > 1 {
		fmt.Fprintf(&text, "%d problems in %s\n", p.count(), cmp.Or(p[0].File, "the configuration"))
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func (p Problems) count() int {
	count := len(p)
	for _, problem := range p {
		count += problem.others
	}
	return count
}

// String formats the problem with its line, caret and hint, and a final newline.
func (p Problem) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", p.place(), p.Message)
	if p.excerpt.line != "" {
		text.WriteString(p.excerpt.format(p.Line))
	}
	if p.Hint != "" {
		fmt.Fprintf(&text, "     = %s\n", p.Hint)
	}
	return text.String()
}

func (p Problem) place() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	case p.File == "":
		return "configuration"
	}
	return p.File
}
