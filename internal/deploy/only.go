package deploy

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// SplitNames splits the values of --stacks at commas, except at those in braces,
// which belong to a pattern.
func SplitNames(texts []string) (names []string) {
	for _, text := range texts {
		depth, start := 0, 0
		for i, c := range text + "," {
			switch {
			case c == '{':
				depth++
			case c == '}':
				depth--
			case c == ',' && (depth <= 0 || i == len(text)):
				if name := strings.TrimSpace(text[start:i]); name != "" {
					names = append(names, name)
				}
				start = i + 1
			}
		}
	}
	return names
}

// only selects the targets that the names match and, unless exclusively, their
// dependencies. No names select all.
func only(names []string, exclusively bool, targets []target, nodes []schedule.Node) ([]target, []schedule.Node, error) {
	if len(names) == 0 {
		return targets, nodes, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		found := false
		for _, t := range targets {
			if t.matches(name) {
				wanted[t.name], found = true, true
			}
		}
		if !found {
			return nil, nil, unknownStack(name, targets)
		}
	}
	if !exclusively {
		addNeeds(wanted, nodes)
	}
	targets = slices.DeleteFunc(slices.Clone(targets), func(t target) bool { return !wanted[t.name] })
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n schedule.Node) bool { return !wanted[n.Name] })
	return targets, nodes, nil
}

// matches reports whether this stack has a name in the configuration or in
// CloudFormation, a construct path or an id, or matches a pattern.
func (t target) matches(name string) bool {
	if t.name == name || t.entry == name || hasName(t.stack, name) {
		return true
	}
	return assembly.IsGlob(name) && assembly.ParseGlob(name).Match(t.stack.Path)
}

func addNeeds(wanted map[string]bool, nodes []schedule.Node) {
	for more := true; more; {
		more = false
		for _, node := range nodes {
			for _, need := range node.After {
				if wanted[node.Name] && !wanted[need] {
					wanted[need], more = true, true
				}
			}
		}
	}
}

func unknownStack(name string, targets []target) error {
	var known []string
	for _, t := range targets {
		known = append(known, t.name)
		if t.stack.Path != t.name {
			known = append(known, t.stack.Path)
		}
	}
	err := errs.Invalidf("this environment deploys no stack %q; its stacks are %s", name, strings.Join(known, ", "))
	if near := assembly.Nearest(name, known); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	return err
}
