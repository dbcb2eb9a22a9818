package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`            // counted from 1; 0 when it concerns the file as a whole
	Column  int    `json:"column"`          // counted in characters from 1; 0 as Line
	Path    string `json:"path,omitempty"`  // of the key, as in environments[1].account
	Message string `json:"message"`         // what is wrong and what was expected
	Value   string `json:"value,omitempty"` // the offending value; never a secret
	Hint    string `json:"hint,omitempty"`  // what to do about it
}

// Problems is every mistake of a configuration file, in the file's order.
type Problems []Problem

// Error gives all problems as a text for people.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, problem := range p {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", problem.File, problem.Line, problem.Column, problem.Message))
	}
	return strings.Join(lines, "\n")
}
