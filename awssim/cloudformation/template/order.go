package template

import "strings"

// Needs are the resources each active resource must wait for: those it depends
// on by name and those its properties refer to, of the taken branches. Passing
// nil looks at all resources and all branches.
func (t *Template) Needs(conditions map[string]bool) map[string][]string {
	needs := make(map[string][]string, len(t.Resources))
	for name, r := range t.Resources {
		if conditions != nil && !r.active(conditions) {
			continue
		}
		ids := []string{}
		for _, id := range r.DependsOn {
			if t.Resources[id].active(conditions) {
				ids = append(ids, id)
			}
		}
		for _, reference := range References(r.Properties, conditions) {
			if _, ok := t.Resources[reference.Name]; ok {
				ids = append(ids, reference.Name)
			}
		}
		needs[name] = unique(ids)
	}
	return needs
}

// active reports whether the resource exists under the conditions.
func (r Resource) active(conditions map[string]bool) bool {
	holds, known := conditions[r.Condition]
	return r.Condition == "" || !known || holds
}

func (t *Template) checkCycles() error {
	if cycle := findCycle(t.Needs(nil)); cycle != nil {
		return plainf("Circular dependency between resources: [%s]", strings.Join(cycle, ", "))
	}
	return nil
}

// findCycle returns the resources that wait, directly or not, for themselves.
func findCycle(needs map[string][]string) []string {
	left := make(map[string]int, len(needs))
	waiting := make(map[string][]string, len(needs))
	var free []string
	for name, ids := range needs {
		left[name] = len(ids)
		if len(ids) == 0 {
			free = append(free, name)
		}
		for _, id := range ids {
			waiting[id] = append(waiting[id], name)
		}
	}
	for len(free) > 0 {
		name := free[0]
		free = free[1:]
		delete(left, name)
		for _, dependent := range waiting[name] {
			if left[dependent]--; left[dependent] == 0 {
				free = append(free, dependent)
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	return trim(left, needs)
}

// trim leaves out what merely waits for a cycle without being part of one.
func trim(left map[string]int, needs map[string][]string) []string {
	for changed := true; changed; {
		changed = false
		for name := range left {
			if !needed(name, left, needs) {
				delete(left, name)
				changed = true
			}
		}
	}
	return sortedKeys(left)
}

func needed(name string, left map[string]int, needs map[string][]string) bool {
	for other := range left {
		for _, id := range needs[other] {
			if id == name {
				return true
			}
		}
	}
	return false
}

// Order lists the resources so that each comes after those it needs, and in
// alphabetical order where nothing else decides. What is needed but not a key
// of needs is taken to be there.
func Order(needs map[string][]string) []string {
	done := make(map[string]bool, len(needs))
	var order []string
	var visit func(name string)
	visit = func(name string) {
		if done[name] {
			return
		}
		done[name] = true
		for _, id := range needs[name] {
			if _, listed := needs[id]; listed {
				visit(id)
			}
		}
		order = append(order, name)
	}
	for _, name := range sortedKeys(needs) {
		visit(name)
	}
	return order
}

// Reverse turns needs around, for deletions: what is needed waits for those
// that need it. Names that are no keys are left out.
func Reverse(needs map[string][]string) map[string][]string {
	result := make(map[string][]string, len(needs))
	for name := range needs {
		result[name] = nil
	}
	for _, name := range sortedKeys(needs) {
		for _, id := range needs[name] {
			if _, listed := needs[id]; listed && id != name {
				result[id] = append(result[id], name)
			}
		}
	}
	return result
}

// Active reports whether a resource exists under the conditions.
func (t *Template) Active(name string, conditions map[string]bool) bool {
	r, ok := t.Resources[name]
	return ok && r.active(conditions)
}
