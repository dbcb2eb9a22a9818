package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// line is one type or definition as the simulator reads it: identifiers, properties and attributes with their types,
// what replaces a resource, which property holds tags.
type line struct {
	Name       string            `json:"name"` // of a type, or #N of a definition
	Identifier []string          `json:"identifier,omitempty"`
	Ref        []string          `json:"ref,omitempty"`
	ARN        string            `json:"arn,omitempty"`
	Tags       string            `json:"tags,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Required   []string          `json:"required,omitempty"`
	Replace    []string          `json:"replace,omitempty"`
	MayReplace []string          `json:"mayReplace,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// lines are one line of JSON for each type, sorted by name, then one for each definition that they share.
func (db *database) lines() ([]byte, error) {
	var all []line
	for _, r := range db.Schema.Resource.Entities {
		l := r.line(r.Type)
		l.Identifier, l.Ref, l.ARN = r.PrimaryIdentifier, r.CfnRefIdentifier, r.ArnTemplate
		l.Tags = r.TagInformation.TagPropertyName
		all = append(all, l)
	}
	for _, r := range db.Schema.TypeDefinition.Entities {
		all = append(all, r.line("#"+r.ID))
	}
	slices.SortFunc(all, func(a, b line) int {
		if shared := strings.HasPrefix(a.Name, "#"); shared != strings.HasPrefix(b.Name, "#") {
			if shared {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, l := range all {
		if err := encoder.Encode(l); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

func (r resource) line(name string) line {
	l := line{Name: name, Properties: codes(r.Properties), Attributes: codes(r.Attributes)}
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		if r.Properties[name].Required {
			l.Required = append(l.Required, name)
		}
	}
	l.Replace, l.MayReplace = r.replacing()
	return l
}

func codes(properties map[string]property) map[string]string {
	result := map[string]string{}
	for name, p := range properties {
		result[name] = p.Type.code()
		if earlier := len(p.PreviousTypes); earlier > 0 {
			result[name] = valueType{Type: "union", Types: append([]valueType{p.Type}, p.PreviousTypes...)}.code()
		}
	}
	return result
}

// code writes a type shortly: s text, n number, b boolean, j any JSON, #N an
// object of that definition, [X list of X, {X map of X, X|Y either.
func (t valueType) code() string {
	switch t.Type {
	case "string", "date-time":
		return "s"
	case "integer", "number":
		return "n"
	case "boolean":
		return "b"
	case "ref":
		return "#" + t.Reference.Ref
	case "array":
		return "[" + t.Element.code()
	case "map":
		return "{" + t.Element.code()
	case "tag":
		return "t"
	case "union":
		var each []string
		for _, one := range t.Types {
			if code := one.code(); !slices.Contains(each, code) {
				each = append(each, code)
			}
		}
		return strings.Join(each, "|")
	}
	return "j"
}
