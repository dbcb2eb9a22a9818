package config

import (
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parse returns the root of the file's only YAML document, or nil after reporting
// why the text is not one.
func (r *report) parse() *yaml.Node {
	if strings.TrimSpace(r.text) == "" {
		if len(r.problems) == 0 {
			r.refuseEmpty()
		}
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(r.text))
	if err != nil {
		r.refuseSyntax(err)
		return nil
	}
	document, next := &yaml.Node{}, &yaml.Node{}
	switch err := loader.Load(document); {
	case errors.Is(err, io.EOF):
		r.refuseEmpty()
		return nil
	case err != nil:
		r.refuseSyntax(err)
		return nil
	}
	switch err := loader.Load(next); {
	case err == nil:
		r.at(next, "", "a second YAML document begins here: expected one").
			Hint = "one file declares one pipeline; remove the `---` or the second part"
	case !errors.Is(err, io.EOF):
		r.refuseSyntax(err)
	}
	root := document.Content[0]
	r.refuseExtras(root)
	return root
}

func (r *report) refuseEmpty() {
	r.keep(Problem{
		Line: 1, Column: 1, Message: "the file is empty: expected a configuration",
		Hint: "create one from the CDK app in the folder with `generator init`",
	})
}

func (r *report) refuseSyntax(err error) {
	var syntax *yaml.LoadError
	if !errors.As(err, &syntax) {
		r.keep(Problem{Line: 1, Column: 1, Message: "this is not YAML: " + err.Error()})
		return
	}
	message := "this is not YAML: " + syntax.Message
	if syntax.ContextMsg != "" {
		message += " " + syntax.ContextMsg
	}
	mark := syntax.Mark
	if syntax.ContextMark.Line > 0 && strings.Contains(syntax.Message, "end of stream") {
		mark = syntax.ContextMark
	}
	problem := r.keep(Problem{Line: max(mark.Line, 1), Column: max(mark.Column, 1), width: 1, Message: message})
	problem.Hint = r.syntaxHint(problem)
}

// syntaxHint is the hint for the most frequent mistakes in YAML.
func (r *report) syntaxHint(problem *Problem) string {
	char := r.charAt(problem.Line, problem.Column)
	switch {
	case char == '\t':
		return "YAML is indented with spaces, not with tabs"
	case strings.ContainsRune("@`%&*!|>", char):
		return "a text that begins with this character must be in quotes"
	case strings.Contains(problem.Message, "scanning an alias"):
		return "a text that begins with * must be in quotes"
	case strings.Contains(problem.Message, "mapping values are not allowed"):
		return "put a text that contains `: ` in quotes; otherwise check the indentation"
	case strings.Contains(problem.Message, "scanning a quoted scalar"):
		return "the quote that begins here is never closed"
	}
	return ""
}

func (r *report) charAt(line, column int) rune {
	if line > len(r.lines) {
		return 0
	}
	chars := []rune(r.lines[line-1])
	if column > len(chars) {
		return 0
	}
	return chars[column-1]
}

// refuseExtras rejects features of YAML that a configuration does not need and that
// are hard to read or expensive to expand.
func (r *report) refuseExtras(node *yaml.Node) {
	switch {
	case node.Kind == yaml.AliasNode:
		r.at(node, "", "the alias *%s is not allowed: expected the value itself", shorten(node.Value))
		return
	case node.Anchor != "":
		r.at(node, "", "the anchor &%s is not allowed", shorten(node.Anchor)).
			Hint = "declare stacks at the top level and name them in the environments"
	case node.Style&yaml.TaggedStyle != 0:
		r.at(node, "", "the tag %s is not allowed: expected the value alone", shorten(node.Tag))
	}
	for _, child := range node.Content {
		r.refuseExtras(child)
	}
}
