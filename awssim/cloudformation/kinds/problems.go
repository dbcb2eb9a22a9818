package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problem is an error in the properties of a resource.
type Problem struct {
	Path   string // of the object or value in the properties, such as /Rules/0; empty for the whole
	Reason string // as CloudFormation's resource handlers write it
}

// String returns the problem in the words of a resource handler.
func (p Problem) String() string { return "#" + p.Path + ": " + p.Reason }

// Problems returns the errors in the properties of a resource: required
// ones that are missing, ones that the type does not have, and values of
// another shape. Types that publish nothing have no problems. Values that are
// no text, number, boolean, list or map are not known yet and pass.
func Problems(typ string, properties map[string]any) []Problem {
	s := schemaOf(typ)
	if s == nil || strings.HasPrefix(typ, "Custom::") || slices.Contains(open[:1], typ) {
		return nil
	}
	return s.problems("", properties)
}

func (s *schema) problems(path string, properties map[string]any) []Problem {
	var found []Problem
	for _, name := range s.Required {
		if properties[name] == nil {
			found = append(found, Problem{path, "required key [" + name + "] not found"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		code, known := s.Properties[name]
		if !known {
			found = append(found, Problem{path, "extraneous key [" + name + "] is not permitted"})
			continue
		}
		found = append(found, problemsOf(path+"/"+name, code, properties[name])...)
	}
	return found
}

// problemsOf checks a value of a type.
func problemsOf(path, code string, value any) []Problem {
	if !fits(code, value) {
		return []Problem{{path, fmt.Sprintf("expected type: %s, found: %s", expected(code), found(value))}}
	}
	if strings.Contains(code, "|") {
		return nil
	}
	switch v := value.(type) {
	case []any:
		var all []Problem
		for i, item := range v {
			if strings.HasPrefix(code, "[") {
				all = append(all, problemsOf(fmt.Sprintf("%s/%d", path, i), code[1:], item)...)
			}
		}
		return all
	case map[string]any:
		if s := schemaOf(code); strings.HasPrefix(code, "#") && s != nil {
			return s.problems(path, v)
		}
	}
	return nil
}

// fits reports whether a value has the shape of a type. CloudFormation converts
// texts, numbers and booleans into each other.
func fits(code string, value any) bool {
	for _, one := range strings.Split(code, "|") {
		switch value.(type) {
		case string, bool, json.Number, float64, int:
			if one == "s" || one == "n" || one == "b" || one == "j" {
				return true
			}
		case []any:
			if strings.HasPrefix(one, "[") || one == "j" {
				return true
			}
		case map[string]any:
			if strings.HasPrefix(one, "{") || strings.HasPrefix(one, "#") || one == "t" || one == "j" {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// expected and found name shapes as the handlers do.
func expected(code string) string {
	switch code[:1] {
	case "[":
		return "JSONArray"
	case "{", "#", "t":
		return "JSONObject"
	case "n":
		return "Number"
	case "b":
		return "Boolean"
	}
	return "String"
}

func found(value any) string {
	switch value.(type) {
	case []any:
		return "JSONArray"
	case map[string]any:
		return "JSONObject"
	case bool:
		return "Boolean"
	case string:
		return "String"
	}
	return "Number"
}
