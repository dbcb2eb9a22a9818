package scaffold

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// Account and region in the file where the app does not set them. Region is also passed to
// an app that is synthesized.
const (
	Account = "111111111111"
	Region  = "us-east-1"
)

// SynthAccount is passed to an app that is synthesized, and is therefore that of stacks
// without an account of their own. Apps write Account as an example of their own.
const SynthAccount = "999999999999"

// With returns the app with the stacks of its assembly for SynthAccount and Region. Only the
// paths of the stacks stay those of the source.
func (a App) With(made *assembly.Assembly) App {
	var stacks []Stack
	named := map[string]int{}
	for _, stack := range made.Stacks {
		named[stack.Name]++
	}
	for _, stack := range inOrder(made.Stacks) {
		one := Stack{Name: stack.Name, Path: a.sourceOf(stack), Reached: reached(stack)}
		// A name does not select one stack of a stage, or one of several stacks with the same name.
		if strings.Contains(stack.Path, "/") || named[stack.Name] > 1 {
			one.Name = stack.Path
		}
		if stack.Environment.Account != SynthAccount {
			one.Account = stack.Environment.Account
		}
		if stack.Environment.Region != Region {
			one.Region = stack.Environment.Region
		}
		stacks = append(stacks, one)
	}
	a.Stacks = stacks
	return a
}

// reached returns the bootstraps of the stack's account that its roles and assets name; that
// of the lookup role first.
func reached(stack assembly.Stack) (all []bootstrap.Bootstrap) {
	here := assembly.Placeholders{Account: cmp.Or(stack.Environment.Account, SynthAccount), Region: cmp.Or(stack.Environment.Region, Region)}
	here.Partition = config.Partition(here.Region)
	names := []string{stack.LookupRole.ARN, stack.DeployRole.ARN, stack.ExecutionRole}
	for _, list := range stack.Assets {
		for _, file := range list.Files {
			for _, to := range file.Destinations {
				names = append(names, to.Role.ARN, to.Bucket)
			}
		}
		for _, image := range list.Images {
			for _, to := range image.Destinations {
				names = append(names, to.Role.ARN, to.Repository)
			}
		}
	}
	for _, name := range names {
		name = here.Resolve(name)
		made, isOne := bootstrap.Of(name[strings.LastIndex(name, "/")+1:])
		if isOne && made.Account == here.Account && !slices.Contains(all, made) {
			all = append(all, made)
		}
	}
	return all
}

// sourceOf returns the path of a stack in the source, or else the app's folder.
func (a App) sourceOf(stack assembly.Stack) string {
	for _, known := range a.Stacks {
		id, _, _ := strings.Cut(stack.Path, "/")
		if known.Name == stack.Name || known.Name == stack.Path || known.Name == id+"/**" || (isPattern(known) && assembly.ParseGlob(known.Name).Match(stack.Path)) {
			return known.Path
		}
	}
	return cmp.Or(a.path(), a.Folder)
}

// inOrder sorts the stacks so that each is after those it depends on.
func inOrder(stacks []assembly.Stack) []assembly.Stack {
	byID := map[string]assembly.Stack{}
	for _, stack := range stacks {
		byID[stack.ID] = stack
	}
	var ordered []assembly.Stack
	seen := map[string]bool{}
	var place func(stack assembly.Stack)
	place = func(stack assembly.Stack) {
		if seen[stack.ID] {
			return
		}
		seen[stack.ID] = true
		for _, id := range stack.After {
			if needed, isStack := byID[id]; isStack {
				place(needed)
			}
		}
		ordered = append(ordered, stack)
	}
	for _, stack := range stacks {
		place(stack)
	}
	return ordered
}
