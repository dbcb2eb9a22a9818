package template

import "strings"

// subPart is a piece of an Fn::Sub text: literal text, or the name between
// ${ and }.
type subPart struct{ text, name string }

// parseSub cuts an Fn::Sub text. ${!Name} is the literal ${Name}.
func parseSub(text string) []subPart {
	var parts []subPart
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			return append(parts, subPart{text: text})
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(parts, subPart{text: text})
		}
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			parts = append(parts, subPart{text: before + "${" + literal + "}"})
		} else {
			parts = append(parts, subPart{text: before}, subPart{name: strings.TrimSpace(name)})
		}
		text = after
	}
}

// substitution reads both forms of Fn::Sub: a text, or a text with variables.
func substitution(argument any) (text string, variables map[string]any, ok bool) {
	switch a := argument.(type) {
	case string:
		return a, nil, true
	case []any:
		if len(a) != 2 {
			return "", nil, false
		}
		text, isText := a[0].(string)
		variables, isMap := a[1].(map[string]any)
		return text, variables, isText && isMap
	}
	return "", nil, false
}
