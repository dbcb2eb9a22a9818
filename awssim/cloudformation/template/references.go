package template

import (
	"cmp"
	"slices"
	"strings"
)

// Reference is the use of a name: by Ref when Attribute is empty, else by
// Fn::GetAtt.
type Reference struct{ Name, Attribute string }

// References finds the names that a value uses by Ref, Fn::GetAtt and Fn::Sub,
// pseudo parameters left out. With conditions, only the taken branch of every
// Fn::If is looked at; with nil, both are.
func References(value any, conditions map[string]bool) []Reference {
	w := walker{conditions: conditions}
	w.walk(value)
	return w.found
}

// Computed stands for an attribute whose name is computed, to distinguish it from a
// plain Ref.
const Computed = "?"

type walker struct {
	conditions map[string]bool
	found      []Reference
}

func (w *walker) walk(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			w.walk(item)
		}
	case map[string]any:
		if name, argument, ok := call(v); ok {
			w.function(name, argument)
			return
		}
		for _, key := range sortedKeys(v) {
			w.walk(v[key])
		}
	}
}

func (w *walker) function(name string, argument any) {
	switch name {
	case "Ref":
		if id, ok := argument.(string); ok {
			w.add(id, "")
		}
	case "Fn::GetAtt":
		if id, attribute, ok := getAtt(argument); ok {
			text, _ := attribute.(string)
			w.add(id, cmp.Or(text, Computed))
			w.walk(attribute)
		}
	case "Fn::Sub":
		w.substitution(argument)
	case "Fn::If":
		w.branches(argument)
	default:
		w.walk(argument)
	}
}

func (w *walker) substitution(argument any) {
	text, variables, ok := substitution(argument)
	if !ok {
		return
	}
	for _, part := range parseSub(text) {
		if _, own := variables[part.name]; part.name == "" || own {
			continue
		}
		name, attribute, _ := strings.Cut(part.name, ".")
		w.add(name, attribute)
	}
	w.walk(variables)
}

func (w *walker) branches(argument any) {
	arms, ok := argument.([]any)
	if !ok || len(arms) != 3 {
		return
	}
	name, _ := arms[0].(string)
	holds, decided := w.conditions[name]
	if !decided || holds {
		w.walk(arms[1])
	}
	if !decided || !holds {
		w.walk(arms[2])
	}
}

func (w *walker) add(name, attribute string) {
	r := Reference{name, attribute}
	if !strings.HasPrefix(name, "AWS::") && !slices.Contains(w.found, r) {
		w.found = append(w.found, r)
	}
}

// call recognises a function: an object with one member named Ref or Fn::….
func call(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for key, value := range m {
		if key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key, value, true
		}
	}
	return "", nil, false
}

// getAtt reads both forms: "Name.Attribute" and [Name, Attribute].
func getAtt(argument any) (name string, attribute any, ok bool) {
	switch a := argument.(type) {
	case string:
		id, rest, found := strings.Cut(a, ".")
		return id, rest, found
	case []any:
		if len(a) < 2 {
			return "", nil, false
		}
		id, isText := a[0].(string)
		if len(a) == 2 {
			return id, a[1], isText
		}
		parts, isList := textList(a[1:])
		return id, strings.Join(parts, "."), isText && isList
	}
	return "", nil, false
}
