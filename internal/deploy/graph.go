package deploy

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// graph orders the targets: each waits for its dependencies in the configuration
// and in the app, and for the stacks whose outputs it reads, as far as this
// environment deploys them.
func graph(in Request, targets []target) ([]schedule.Node, error) {
	ofApp, all := edges(targets, needsInApp), edges(targets, needsAnywhere)
	if err := schedule.Check(ofApp); err != nil {
		return nil, errs.Invalidf("the stacks of environment %s cannot be ordered: %w", in.Name, err).
			WithHint("the app creates this cycle: remove one of the references between these stacks, or a call of addDependency")
	}
	if err := schedule.Check(all); err != nil {
		return nil, errs.Invalidf("the stacks of environment %s cannot be ordered: %w", in.Name, err).
			WithHint("dependsOn in the configuration must not contradict the app")
	}
	return withReads(in.Account, targets, all), nil
}

// withReads lets each stack wait for those whose outputs it reads. The app may
// not declare these weak references, and they may even form a cycle. A reference
// that would close one is ignored.
func withReads(account string, targets []target, nodes []schedule.Node) []schedule.Node {
	for i, t := range targets {
		for _, other := range targets {
			if slices.Contains(nodes[i].After, other.name) || !t.readsFrom(other, account) {
				continue
			}
			before := nodes[i].After
			nodes[i].After = append(slices.Clone(before), other.name)
			if schedule.Check(nodes) != nil {
				nodes[i].After = before
			}
		}
	}
	return nodes
}

// readsFrom reports whether the stack reads outputs of the other one, in the
// account of both.
func (t target) readsFrom(other target, account string) bool {
	return slices.ContainsFunc(t.reads, func(read cfn.Read) bool {
		return read.Stack == other.stack.Name && cmp.Or(read.Region, t.region) == other.region &&
			(read.RoleARN == "" || isOf(account, read.RoleARN))
	})
}

// isOf reports whether the ARN of a role names the account.
func isOf(account, role string) bool {
	parsed, err := arn.Parse(role)
	return err == nil && parsed.AccountID == account
}

// findReads fills in the outputs that the targets read.
func findReads(targets []target) error {
	for i, t := range targets {
		if t.stack.Err != nil {
			continue // an error only if the stack is deployed, which is not decided yet
		}
		templates, err := readTemplates(t.stack)
		if err != nil {
			return err
		}
		for _, template := range templates {
			targets[i].reads = append(targets[i].reads, cfn.Reads(template)...)
		}
	}
	return nil
}

// maxTemplates is the most that is read of the templates of one stack, in bytes.
// CloudFormation takes 1 MiB each.
const maxTemplates = 256 << 20

// readTemplates returns the template of a stack, followed by those of its nested
// stacks.
func readTemplates(stack assembly.Stack) ([][]byte, error) {
	paths, seen := []string{stack.Template}, map[string]bool{stack.Template: true}
	for _, list := range templatesOf(stack) {
		for _, file := range list.Files {
			if !seen[file.Path] {
				paths = append(paths, file.Path)
			}
			seen[file.Path] = true
		}
	}
	var templates [][]byte
	taken := limits.Budget{Bytes: maxTemplates, Ratio: 1}.Meter(math.MaxInt64)
	for _, path := range paths {
		template, err := limits.ReadFile(path, assembly.MaxDocument)
		if err == nil {
			err = taken.Bytes(int64(len(template)))
		}
		if err != nil {
			return nil, errs.Invalidf("reading the template of stack %s: %w", stack.Name, err)
		}
		templates = append(templates, template)
	}
	return templates, nil
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
	return other.app == t.app && slices.Contains(t.stack.After, other.stack.ID) || t.isBuiltAfter(other)
}

func needsAnywhere(t, other target) bool {
	return slices.Contains(t.needs, other.entry) || needsInApp(t, other)
}

// remarks returns warnings about the order: stacks that are deployed before one
// that is listed earlier, and dependencies that this environment does not deploy.
func remarks(targets []target, nodes []schedule.Node) (lines []string) {
	for i, node := range nodes {
		for j, other := range nodes {
			if j > i && slices.Contains(node.After, other.Name) {
				lines = append(lines, fmt.Sprintf("%s is listed before %s, which it needs; %s is deployed first", node.Name, other.Name, other.Name))
			}
		}
	}
	for _, t := range targets {
		for _, id := range unlisted(t, targets) {
			lines = append(lines, fmt.Sprintf("%s needs the stack %s, which this environment does not deploy; it must exist already", t.name, id))
		}
	}
	return lines
}

// unlisted returns the stacks of the app that a stack needs and the environment does not
// deploy.
func unlisted(t target, targets []target) (ids []string) {
	for _, id := range t.stack.After {
		if !slices.ContainsFunc(targets, func(other target) bool { return other.app == t.app && other.stack.ID == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}
