package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// target is a stack of the app that the environment deploys.
type target struct {
	name     string   // in messages and outputs: the name in the configuration, or in CloudFormation if a pattern selected it
	entry    string   // name or pattern in the configuration
	needs    []string // its dependsOn in the configuration
	app      string   // folder of the CDK app
	root     string   // folder of the assembly
	settings synth.Settings
	stack    assembly.Stack
	region   string     // of the stack, or of the environment if the app sets none
	reads    []cfn.Read // outputs of other stacks that its templates read
}

// byNames returns the targets by their names.
func byNames(targets []target) map[string]target {
	named := make(map[string]target, len(targets))
	for _, t := range targets {
		named[t.name] = t
	}
	return named
}

// listed is a stack of the configuration, with its app.
type listed struct {
	config.Stack
	app      string // folder
	assembly *assembly.Assembly
}

// chooseAll finds the stacks that the environment lists, in the listed order. A
// name takes precedence over a pattern, and an earlier pattern over a later one.
// The stacks of one pattern are ordered by their dependencies.
func chooseAll(list []listed, in Request) ([]target, error) {
	found := make([][]assembly.Stack, len(list))
	taken := map[string]bool{}
	for _, patterns := range []bool{false, true} {
		for i, entry := range list {
			if assembly.IsGlob(entry.Name) != patterns {
				continue
			}
			stacks, err := stacksFor(entry, in)
			if err != nil {
				return nil, err
			}
			for _, stack := range stacks {
				key := entry.app + "\n" + stack.ID
				if !patterns || !taken[key] {
					found[i] = append(found[i], stack)
				}
				taken[key] = true
			}
		}
	}
	targets := nameAll(list, found, in)
	return targets, checkDistinct(targets)
}

func stacksFor(entry listed, in Request) ([]assembly.Stack, error) {
	if assembly.IsGlob(entry.Name) {
		return expand(entry.assembly, entry.Name, in)
	}
	one, err := choose(entry.assembly, entry.Name, in)
	return []assembly.Stack{one}, err
}

// nameAll converts stacks into targets. The stacks of a pattern get their name
// in CloudFormation, or their path if that name is not unique.
func nameAll(list []listed, found [][]assembly.Stack, in Request) (targets []target) {
	uses := map[string]int{}
	for i, entry := range list {
		for _, stack := range found[i] {
			t := target{name: entry.Name, entry: entry.Name, needs: entry.DependsOn, app: entry.app, stack: stack}
			t.region = cmp.Or(stack.Environment.Region, in.Region)
			if assembly.IsGlob(entry.Name) {
				t.name = stack.Name
			}
			uses[t.name]++
			targets = append(targets, t)
		}
	}
	for i, t := range targets {
		if uses[t.name] > 1 && assembly.IsGlob(t.entry) {
			targets[i].name = t.stack.Path
		}
	}
	return targets
}

// expand returns the stacks for the environment's account whose construct path
// matches the pattern, as with the CDK CLI.
func expand(a *assembly.Assembly, pattern string, in Request) ([]assembly.Stack, error) {
	glob := assembly.ParseGlob(pattern)
	var here, elsewhere []assembly.Stack
	for _, stack := range a.Stacks {
		switch {
		case !glob.Match(stack.Path):
		case stack.Environment.Account != "" && stack.Environment.Account != in.Account:
			elsewhere = append(elsewhere, stack)
		default:
			here = append(here, stack)
		}
	}
	switch {
	case len(here) > 0:
		return byNeeds(here), nil
	case len(elsewhere) > 0:
		return nil, wrongAccount(pattern, elsewhere, in)
	}
	return nil, unknown(a, pattern)
}

// byNeeds sorts stacks after their dependencies, and keeps their order otherwise.
func byNeeds(stacks []assembly.Stack) []assembly.Stack {
	var sorted []assembly.Stack
	seen := map[string]bool{}
	var add func(assembly.Stack)
	add = func(stack assembly.Stack) {
		if seen[stack.ID] {
			return
		}
		seen[stack.ID] = true
		for _, other := range stacks {
			if slices.Contains(stack.After, other.ID) {
				add(other)
			}
		}
		sorted = append(sorted, stack)
	}
	for _, stack := range stacks {
		add(stack)
	}
	return sorted
}

// choose finds the stack of the app that a name in the configuration selects in
// an environment. Among the stacks for the environment's account, it prefers
// those with the environment's name as a prefix ("dev-Api", "Dev/Api") to those
// with exactly that name, path or id, and among equals those in the
// environment's region. More than one result is an error.
func choose(a *assembly.Assembly, name string, in Request) (assembly.Stack, error) {
	var prefixed, exact, elsewhere []assembly.Stack
	for _, stack := range a.Stacks {
		byPrefix, byName := hasPrefixedName(stack, in.Name, name), hasName(stack, name)
		switch {
		case !byPrefix && !byName:
		case stack.Environment.Account != "" && stack.Environment.Account != in.Account:
			elsewhere = append(elsewhere, stack)
		case byPrefix:
			prefixed = append(prefixed, stack)
		default:
			exact = append(exact, stack)
		}
	}
	for _, tier := range [][]assembly.Stack{prefixed, exact} {
		if found := inRegion(tier, in.Region); len(found) == 1 {
			return found[0], nil
		} else if len(found) > 1 {
			return assembly.Stack{}, errs.Invalidf("%q matches %s in environment %s", name, paths(found), in.Name).
				WithHint("name it in the configuration by its construct path: %s", pathsOr(found))
		}
	}
	if len(elsewhere) > 0 {
		return assembly.Stack{}, wrongAccount(name, elsewhere, in)
	}
	return assembly.Stack{}, unknown(a, name)
}

func wrongAccount(name string, found []assembly.Stack, in Request) error {
	return errs.Invalidf("%q selects %s, but environment %s is in account %s", name, places(found), in.Name, in.Account).
		WithHint("give the stack the account and region of CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION, which are set for the app")
}

func unknown(a *assembly.Assembly, name string) error {
	err := a.NotFound(name)
	return errs.Invalidf("%w", err).WithHint("%s", hintOf(err))
}

func hasName(stack assembly.Stack, name string) bool {
	return stack.Name == name || stack.Path == name || stack.ID == name
}

func hasPrefixedName(stack assembly.Stack, env, name string) bool {
	return strings.EqualFold(stack.Name, env+"-"+name) || strings.EqualFold(stack.Path, env+"/"+name) || strings.EqualFold(stack.Path, env+"-"+name)
}

// inRegion selects the stacks of the region, or all if there are none.
func inRegion(stacks []assembly.Stack, region string) []assembly.Stack {
	there := slices.DeleteFunc(slices.Clone(stacks), func(s assembly.Stack) bool {
		return s.Environment.Region != region && s.Environment.Region != ""
	})
	if len(there) > 0 {
		return there
	}
	return stacks
}

// checkDistinct rejects two names for one stack, and one name for two.
func checkDistinct(targets []target) error {
	for i, t := range targets {
		for _, other := range targets[:i] {
			if other.app == t.app && other.stack.ID == t.stack.ID {
				return errs.Invalidf("%q and %q both select stack %s", other.name, t.name, t.stack.Path).
					WithHint("list it once")
			}
			if other.name == t.name {
				return errs.Invalidf("%q names two stacks: %s of the app in %s and %s of the one in %s", t.name, other.stack.Path, other.app, t.stack.Path, t.app).
					WithHint("name one of them by its construct path in place of a pattern")
			}
		}
	}
	return nil
}

func paths(stacks []assembly.Stack) string { return pathsWith(stacks, " and ") }

func pathsOr(stacks []assembly.Stack) string { return pathsWith(stacks, " or ") }

func pathsWith(stacks []assembly.Stack, between string) string {
	var list []string
	for _, stack := range stacks {
		list = append(list, stack.Path)
	}
	return strings.Join(list, between)
}

func places(stacks []assembly.Stack) string {
	var list []string
	for _, stack := range stacks {
		list = append(list, fmt.Sprintf("%s for %s", stack.Path, stack.Environment))
	}
	return strings.Join(list, " and ")
}
