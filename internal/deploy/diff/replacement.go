package diff

import (
	"maps"
	"slices"
	"strings"
)

// Replacement is a resource that an update replaces by a new one.
type Replacement struct {
	Certain bool     // CloudFormation replaces it; otherwise it may
	Because []string // properties that cause it, at the top level of the resource; sorted
}

// Replacements returns the resources of both templates that an update from the first to the
// second replaces, by their logical ids. They follow from the properties that differ, and
// from references to resources that are replaced themselves. What depends on the value of a
// parameter or a condition is not known here.
func Replacements(before, after Template) map[string]Replacement {
	found := map[string]Replacement{}
	for grew := true; grew; {
		grew = false
		for _, id := range slices.Sorted(maps.Keys(after.Resources)) {
			old, had := before.Resources[id]
			if !had {
				continue
			}
			next, is := replacement(old, after.Resources[id], found)
			if known, knew := found[id]; is && (!knew || len(next.Because) > len(known.Because) || next.Certain != known.Certain) {
				found[id], grew = next, true
			}
		}
	}
	return found
}

func replacement(old, now Resource, replaced map[string]Replacement) (r Replacement, is bool) {
	if old.Type != now.Type {
		return Replacement{Certain: true, Because: []string{"Type"}}, true
	}
	changed := map[string]bool{}
	for _, change := range Properties(old, now) {
		changed[topOf(change.Path)] = true
	}
	for _, property := range slices.Sorted(maps.Keys(now.Properties)) {
		changed[property] = changed[property] || false
	}
	for _, property := range slices.Sorted(maps.Keys(changed)) {
		how := Recreates(now.Type, property)
		if !changed[property] {
			how = min(how, Maybe) // as CloudFormation says of what it knows after the replacement
			if !refers(now.Properties[property], replaced) {
				how = No
			}
		}
		if how != No {
			r.Because, r.Certain = append(r.Because, property), r.Certain || how == Yes
		}
	}
	return r, r.Because != nil
}

// topOf returns the property of a path such as "Tags[0].Value".
func topOf(path string) string {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}

// refers reports whether a value refers to a resource that is replaced.
func refers(value any, replaced map[string]Replacement) bool {
	is := func(id string) bool { _, is := replaced[topOf(id)]; return is }
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return refers(inner, replaced) })
	case map[string]any:
		for key, inner := range v {
			switch {
			case refers(inner, replaced),
				(key == "Ref" || key == "Fn::GetAtt") && is(format(leading(inner))),
				key == "Fn::Sub" && slices.ContainsFunc(strings.Split(format(leading(inner)), "${")[1:], func(part string) bool {
					name, _, _ := strings.Cut(part, "}")
					return is(name)
				}):
				return true
			}
		}
	}
	return false
}

// leading returns the first value of a list, or the value itself.
func leading(value any) any {
	if list := many(value); len(list) > 0 {
		return list[0]
	}
	return nil
}
