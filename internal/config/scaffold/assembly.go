package scaffold

import (
	"cmp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// Account and region that are passed to an app that does not set them, and their
// placeholders in the file.
const (
	Account = "111111111111"
	Region  = "us-east-1"
)

// With returns the app with the stacks of its assembly for Account and Region. Only the
// paths of the stacks stay those of the source.
func (a App) With(made *assembly.Assembly) App {
	var stacks []Stack
	named := map[string]int{}
	for _, stack := range made.Stacks {
		named[stack.Name]++
	}
	for _, stack := range inOrder(made.Stacks) {
		one := Stack{Name: stack.Name, Path: a.sourceOf(stack)}
		// A name does not select one stack of a stage, or one of several stacks with the same name.
		if strings.Contains(stack.Path, "/") || named[stack.Name] > 1 {
			one.Name = stack.Path
		}
		if stack.Environment.Account != Account {
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
