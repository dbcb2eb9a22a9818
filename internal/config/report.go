package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Limits for hostile files.
const (
	problemLimit    = 1000 // problems to keep; the others are counted
	suggestionLimit = 100  // suggestions to compute
	valueLimit      = 80   // characters of a value in a problem
)

// report collects the problems of one file.
type report struct {
	file        string
	text        string   // masked
	lines       []string // of text
	problems    Problems
	more        int  // number of problems that were not kept
	masked      bool // the file contains secrets
	suggestions int
	nodes       map[string]*yaml.Node // values by path
}

func newReport(file string, source []byte) *report {
	text := strings.TrimPrefix(string(source), string(byteOrderMark))
	r := &report{file: file, text: text, nodes: map[string]*yaml.Node{}}
	if message, hint, offset := textProblem([]byte(text)); message != "" {
		r.refuseText(message, hint, offset)
		return r
	}
	masked, secrets := maskSecrets(text)
	r.text, r.lines, r.masked = masked, splitLines(masked), len(secrets) > 0
	for _, found := range secrets {
		r.refuseSecret(found)
	}
	return r
}

func (r *report) refuseText(message, hint string, offset int) {
	at := startOf()
	at.advance(r.text, offset)
	r.text = ""
	r.problems = Problems{{File: r.file, Line: at.line, Column: at.column, Message: message, Hint: hint}}
}

func (r *report) refuseSecret(found secret) {
	r.keep(Problem{
		Line: found.line, Column: found.column, width: found.width,
		Message: "this looks like " + found.name + ", which does not belong in a repository",
		Hint:    "revoke it, keep the new one in AWS Secrets Manager, and name that secret here (githubTokenSecretName)",
	})
}

// at reports a problem of the value of a path.
func (r *report) at(node *yaml.Node, path, format string, args ...any) *Problem {
	if r.full() {
		return r.keep(Problem{})
	}
	problem := Problem{
		Line: node.Line, Column: node.Column, Path: path, width: widthOf(node),
		Message: fmt.Sprintf(format, args...),
	}
	if node.Kind == yaml.ScalarNode {
		problem.Value = shorten(node.Value)
	}
	return r.keep(problem)
}

// atPath reports a problem of the value of a path, or of its nearest parent that
// has one.
func (r *report) atPath(path, format string, args ...any) *Problem {
	for place := path; ; place = parentOf(place) {
		if node, found := r.nodes[place]; found {
			return r.at(node, path, format, args...)
		}
		if place == "" {
			return r.keep(Problem{Path: path, Message: fmt.Sprintf(format, args...)})
		}
	}
}

// keep adds a problem, unless its value is a masked secret, which is reported
// already. The caller may add a hint to the result.
func (r *report) keep(problem Problem) *Problem {
	if r.masked && strings.ContainsRune(problem.Value, mask) {
		return &problem
	}
	if r.full() {
		r.more++
		return &problem
	}
	problem.File = r.file
	r.problems = append(r.problems, problem)
	return &r.problems[len(r.problems)-1]
}

func (r *report) full() bool { return len(r.problems) >= problemLimit }

// result returns all problems in the order of the file, or nil. It adds the excerpt
// to those that are printed.
func (r *report) result() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range min(len(r.problems), shownLimit) {
		problem := &r.problems[i]
		if problem.Line > 0 && problem.Line <= len(r.lines) {
			problem.excerpt = excerptOf(r.lines[problem.Line-1], problem.Column, problem.width)
		}
	}
	if r.more > 0 {
		r.problems = append(r.problems, Problem{
			File: r.file, others: r.more - 1,
			Message: fmt.Sprintf("%d more problems are not listed", r.more),
		})
	}
	return r.problems
}

// suggest returns the nearest candidate as a hint, or "".
func (r *report) suggest(written string, candidates []string) string {
	return didYouMean(r.nearest(written, candidates))
}

// nearest returns the nearest candidate, or "". It stops after suggestionLimit.
func (r *report) nearest(written string, candidates []string) string {
	r.suggestions++
	if r.suggestions > suggestionLimit {
		return ""
	}
	return nearest(written, candidates)
}

func didYouMean(meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", meant)
}

func parentOf(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

func shorten(value string) string {
	chars := []rune(value)
	if len(chars) <= valueLimit {
		return value
	}
	return string(chars[:valueLimit]) + "…"
}

// reportedIn reports whether there is a problem of the value at a path, or in it.
func (r *report) reportedIn(path string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Path == path || strings.HasPrefix(p.Path, path+".") })
}
