package config

import (
	"fmt"
	"slices"
	"strings"
)

// cycleLimit is the largest number of cycles to report for one graph.
const cycleLimit = 20

// cycles finds the cycles of a graph. Each starts at its node that is first in
// names, and does not repeat it.
func cycles(names []string, next map[string][]string) [][]string {
	walk := &walker{next: next, depth: map[string]int{}, done: map[string]bool{}}
	for _, name := range names {
		walk.visit(name)
	}
	place := firstPlaces(names)
	for i, cycle := range walk.found {
		walk.found[i] = startFirst(cycle, place)
	}
	return walk.found
}

// firstPlaces returns the first index of each name.
func firstPlaces(names []string) map[string]int {
	place := make(map[string]int, len(names))
	for i, name := range slices.Backward(names) {
		place[name] = i
	}
	return place
}

// walker walks a graph depth-first. An edge to a node on the current path closes a
// cycle.
type walker struct {
	next  map[string][]string
	way   []string
	depth map[string]int // of the nodes on the current path, from 1
	done  map[string]bool
	found [][]string
}

func (w *walker) visit(name string) {
	if w.done[name] || len(w.found) >= cycleLimit {
		return
	}
	if depth := w.depth[name]; depth > 0 {
		w.found = append(w.found, slices.Clone(w.way[depth-1:]))
		return
	}
	w.way = append(w.way, name)
	w.depth[name] = len(w.way)
	for _, follower := range w.next[name] {
		w.visit(follower)
	}
	w.way = w.way[:len(w.way)-1]
	w.depth[name] = 0
	w.done[name] = true
}

func startFirst(cycle []string, place map[string]int) []string {
	first := 0
	for i, name := range cycle {
		if place[name] < place[cycle[first]] {
			first = i
		}
	}
	return slices.Concat(cycle[first:], cycle[:first])
}

// arrows formats a cycle; a long one is shortened in the middle.
func arrows(cycle []string) string {
	if len(cycle) > 10 {
		cycle = slices.Concat(cycle[:8], []string{fmt.Sprintf("… %d more …", len(cycle)-9)}, cycle[len(cycle)-1:])
	}
	return strings.Join(append(slices.Clone(cycle), cycle[0]), " → ")
}

// checkStackCycles reports cycles of stacks, and returns whether there are any. The
// format is the path of a stack's dependencies, given its index.
func checkStackCycles(r *report, stacks []Stack, format string) bool {
	names, needs := namesOf(stacks), map[string][]string{}
	for _, stack := range stacks {
		needs[stack.Name] = stack.DependsOn
	}
	found := cycles(names, needs)
	for _, cycle := range found {
		path := fmt.Sprintf(format, slices.Index(names, cycle[0]))
		r.atPath(path, "stacks depend on each other in a cycle: %s", arrows(cycle))
	}
	return len(found) > 0
}

// checkAfter reports unknown environments and cycles.
func checkAfter(c *Config, r *report) {
	names, waits, known := c.EnvironmentNames(), map[string][]string{}, map[string]bool{}
	for _, env := range c.Environments {
		if !known[env.Name] {
			waits[env.Name], known[env.Name] = env.After, true
		}
	}
	for i, env := range c.Environments {
		checkTwice(r, "environment", fmt.Sprintf("environments[%d].after", i)+"[%d]", env.After)
		for j, name := range env.After {
			if !known[name] && holds("environmentName", name) {
				r.atPath(fmt.Sprintf("environments[%d].after[%d]", i, j), "unknown environment %s: expected the name of another environment", quote(name)).
					Hint = r.suggest(name, names)
			}
		}
	}
	place := firstPlaces(names)
	for _, cycle := range cycles(names, waits) {
		r.atPath(fmt.Sprintf("environments[%d].after", place[cycle[0]]),
			"environments wait for each other in a cycle: %s", arrows(cycle)).Hint = afterHint(place, cycle, r)
	}
}

// afterHint mentions the default of `after` if it is part of the cycle.
func afterHint(place map[string]int, cycle []string, r *report) string {
	for _, name := range cycle {
		path := fmt.Sprintf("environments[%d].after", place[name])
		if _, written := r.nodes[path]; !written {
			return fmt.Sprintf("%s has no `after`, so it waits for the one before it in the list; `after: []` waits for none", name)
		}
	}
	return ""
}
