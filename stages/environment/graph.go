package environment

import (
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/schedule"
)

// graph orders the targets: each waits for the stacks that the configuration
// and the app say it needs, as far as this environment deploys them.
func graph(env config.Environment, targets []target) ([]schedule.Node, error) {
	ofApp, all := edges(targets, needsInApp), edges(targets, needsAnywhere)
	if err := schedule.Check(ofApp); err != nil {
		return nil, fault.Invalidf("the stacks of environment %s cannot be ordered: %w", env.Name, err).
			WithHint("the app itself makes this circle: take one of these stacks' references to each other, or calls of addDependency, out of it")
	}
	if err := schedule.Check(all); err != nil {
		return nil, fault.Invalidf("the stacks of environment %s cannot be ordered: %w", env.Name, err).
			WithHint("dependsOn in the configuration must not contradict the app")
	}
	return all, nil
}

func edges(targets []target, needs func(t, other target) bool) []schedule.Node {
	var nodes []schedule.Node
	for _, t := range targets {
		node := schedule.Node{Name: t.name}
		for _, other := range targets {
			if needs(t, other) {
				node.After = append(node.After, other.name)
			}
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func needsInApp(t, other target) bool {
	return other.app == t.app && slices.Contains(t.stack.After, other.stack.ID)
}

func needsAnywhere(t, other target) bool {
	return slices.Contains(t.needs, other.entry) || needsInApp(t, other)
}

// remarks says what about the order may surprise: stacks that must be deployed
// before one that is listed earlier, and dependencies that nobody deploys here.
func remarks(targets []target, nodes []schedule.Node) (lines []string) {
	for i, node := range nodes {
		for j, other := range nodes {
			if j > i && slices.Contains(node.After, other.Name) {
				lines = append(lines, fmt.Sprintf("%s is listed before %s, which it needs; %s is deployed first", node.Name, other.Name, other.Name))
			}
		}
	}
	for _, t := range targets {
		for _, id := range t.stack.After {
			if !slices.ContainsFunc(targets, func(other target) bool { return other.app == t.app && other.stack.ID == id }) {
				lines = append(lines, fmt.Sprintf("%s needs the stack %s, which this environment does not deploy; it must be there already", t.name, id))
			}
		}
	}
	return lines
}
