package environment

import (
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/schedule"
)

// target is a stack of the configuration with the stack of the app that it means.
type target struct {
	name   string // in the configuration
	app    string // folder of the CDK app
	stack  assembly.Stack
	region string // of the stack, or of the environment where the app left it open
}

// graph orders the targets: each waits for the stacks that the configuration
// and the app say it needs, as far as this environment deploys them.
func graph(env config.Environment, targets []target) ([]schedule.Node, error) {
	var nodes []schedule.Node
	for i, t := range targets {
		node := schedule.Node{Name: t.name, After: slices.Clone(env.Stacks[i].DependsOn)}
		for _, other := range targets {
			if other.app == t.app && slices.Contains(t.stack.After, other.stack.ID) {
				node.After = append(node.After, other.name)
			}
		}
		nodes = append(nodes, node)
	}
	if err := schedule.Check(nodes); err != nil {
		return nil, fault.Invalidf("the stacks of environment %s cannot be ordered: %w", env.Name, err).
			WithHint("dependsOn in the configuration must not contradict the app")
	}
	return nodes, nil
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

// checkDistinct refuses two names for one stack.
func checkDistinct(targets []target) error {
	for i, t := range targets {
		for _, other := range targets[:i] {
			if other.app == t.app && other.stack.ID == t.stack.ID {
				return fault.Invalidf("%q and %q are both the stack %s", other.name, t.name, t.stack.Path).
					WithHint("list it once")
			}
		}
	}
	return nil
}
