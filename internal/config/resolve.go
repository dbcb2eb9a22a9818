package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// resolve sets values that depend on other parts of the file: the stacks that an
// environment refers to, the environment it waits for, the export prefix.
func resolve(c *Config, r *report) {
	declared := byName(c.Stacks)
	names := namesOf(c.Stacks)
	for i := range c.Environments {
		env := &c.Environments[i]
		if env.Stacks == nil && r.leavesOutStacks(i) {
			env.Stacks = slices.Clone(c.Stacks)
		}
		for j := range env.Stacks {
			resolveStack(&env.Stacks[j], fmt.Sprintf("environments[%d].stacks[%d]", i, j), declared, names, r)
		}
		env.Concurrency = max(env.Concurrency, 1)
		if env.After == nil {
			env.After = before(c.Environments, i)
		}
	}
	c.derive()
}

// leavesOutStacks reports whether an environment takes all stacks of the top level. It must
// list its own if there are none.
func (r *report) leavesOutStacks(i int) bool {
	path := fmt.Sprintf("environments[%d]", i)
	node, found := r.nodes[path]
	if !found || node.Kind != yaml.MappingNode || r.nodes[path+".stacks"] != nil || r.nodes["stacks"] != nil {
		return r.nodes["stacks"] != nil
	}
	misspelt := func(p Problem) bool { return parentOf(p.Path) == path && p.Hint == didYouMean("stacks") }
	if !slices.ContainsFunc(r.problems, misspelt) {
		f, _ := lookup(reflect.TypeFor[Environment](), "stacks")
		r.keep(Problem{
			Line: node.Line, Column: node.Column, width: 1, Path: path + ".stacks",
			Message: fmt.Sprintf("%s has no stacks, and neither has the top level: expected %s", path, describe(f.typ, f)), Hint: exampleOf(f),
		})
	}
	return false
}

func resolveStack(stack *Stack, path string, declared map[string]Stack, names []string, r *report) {
	known, found := declared[stack.Name]
	switch {
	case !holds("stackName", stack.Name): // reported already
	case r.isText(path) && found:
		*stack = known
	case r.isText(path):
		problem := r.atPath(path, "unknown stack %s: expected the name of a stack of the top-level `stacks`", quote(stack.Name))
		problem.Hint = r.suggest(stack.Name, names)
		if problem.Hint == "" {
			problem.Hint = fmt.Sprintf("declare it at the top level, or inline: {name: %s, path: …}", plainOrQuoted(stack.Name))
		}
	case found && (known.Path != stack.Path || !slices.Equal(known.DependsOn, stack.DependsOn)):
		r.atPath(path, "the stack %s is declared both here and differently at the top level", quote(stack.Name)).
			Hint = fmt.Sprintf("write only its name here, %s, or rename one of them", shorten(stack.Name))
	}
}

// plainOrQuoted formats a stack's name for YAML.
func plainOrQuoted(name string) string {
	if strings.ContainsAny(name, "*?[{") {
		return quote(name)
	}
	return shorten(name)
}

// before returns the default of after.
func before(environments []Environment, i int) []string {
	if i == 0 || environments[i-1].Name == "" || environments[i-1].Name == environments[i].Name {
		return []string{} // missing and duplicate names are reported elsewhere
	}
	return []string{environments[i-1].Name}
}

func (r *report) isText(path string) bool {
	node, found := r.nodes[path]
	return found && node.Kind == yaml.ScalarNode
}

// byName returns the first stack of each name.
func byName(stacks []Stack) map[string]Stack {
	found := make(map[string]Stack, len(stacks))
	for _, stack := range slices.Backward(stacks) {
		found[stack.Name] = stack
	}
	return found
}

func namesOf(stacks []Stack) []string {
	names := make([]string, 0, len(stacks))
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return names
}

// lineOf returns the line of a path's value.
func (r *report) lineOf(path string) string {
	if node, found := r.nodes[path]; found {
		return fmt.Sprintf("line %d", node.Line)
	}
	return strings.TrimPrefix(path, ".")
}
