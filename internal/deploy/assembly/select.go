package assembly

import (
	"slices"
	"strings"
)

// Select returns the stacks that match the patterns, in the order of the assembly.
// A pattern is the name of a stack in CloudFormation, its construct path, its
// artifact id, or a Glob for construct paths; a leading `!` excludes stacks.
// A pattern that matches nothing is an error.
func (a *Assembly) Select(patterns ...string) ([]Stack, error) {
	wanted, unwanted := map[string]bool{}, map[string]bool{}
	onlyNegative := true
	for _, pattern := range patterns {
		into, text := wanted, pattern
		if strings.HasPrefix(pattern, "!") {
			into, text = unwanted, pattern[1:]
		} else {
			onlyNegative = false
		}
		matched := a.match(text)
		if len(matched) == 0 {
			return nil, a.NotFound(text)
		}
		for _, stack := range matched {
			into[stack.ID] = true
		}
	}
	var selected []Stack
	for _, stack := range a.Stacks {
		if (wanted[stack.ID] || onlyNegative && len(patterns) > 0) && !unwanted[stack.ID] {
			selected = append(selected, stack)
		}
	}
	return selected, nil
}

func (a *Assembly) match(pattern string) []Stack {
	exact := filter(a.Stacks, func(s Stack) bool { return s.Name == pattern || s.Path == pattern || s.ID == pattern })
	if len(exact) > 0 {
		return exact
	}
	glob := ParseGlob(pattern)
	return filter(a.Stacks, func(s Stack) bool { return glob.Match(s.Path) })
}

// NotFound is the error for an unknown stack, with the nearest name and all names.
func (a *Assembly) NotFound(name string) error {
	var paths, known []string
	for _, stack := range a.Stacks {
		paths = append(paths, stack.Path)
		known = append(known, stack.Path, stack.Name)
	}
	if len(paths) == 0 {
		return wrongf("define a Stack in the CDK app", "there is no stack %q: the CDK app defines no stacks", name)
	}
	hint := ""
	if near := Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return wrongf(hint, "the CDK app has no stack %q; its stacks are %s", name, strings.Join(paths, ", "))
}

// Nearest returns the candidate that is most similar to text, or "" if none is similar.
func Nearest(text string, candidates []string) string {
	best, least := "", len(text)/3+2
	for _, name := range candidates {
		d := distance(strings.ToLower(text), strings.ToLower(name))
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func filter(stacks []Stack, keep func(Stack) bool) []Stack {
	return slices.DeleteFunc(slices.Clone(stacks), func(s Stack) bool { return !keep(s) })
}
