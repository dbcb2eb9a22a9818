package template

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

func fromYAML(src []byte) (any, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(src, &document); err != nil {
		return nil, formatf("YAML not well-formed. (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return nil, formatf("unsupported structure.")
	}
	return fromNode(document.Content[0])
}

func fromNode(n *yaml.Node) (any, error) {
	value, err := untagged(n)
	if err != nil {
		return nil, err
	}
	if name, ok := shortTag(n.Tag); ok {
		return longForm(name, value), nil
	}
	return value, nil
}

func untagged(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return fromMapping(n)
	case yaml.SequenceNode:
		return fromSequence(n)
	case yaml.ScalarNode:
		return fromScalar(n), nil
	}
	return nil, templatef("YAML aliases are not allowed in CloudFormation templates")
}

func fromMapping(n *yaml.Node) (any, error) {
	result := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, formatf("YAML not well-formed. (line %d, column %d)", key.Line, key.Column)
		}
		if _, twice := result[key.Value]; twice {
			return nil, formatf("duplicate key %s (line %d, column %d)", key.Value, key.Line, key.Column)
		}
		value, err := fromNode(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		result[key.Value] = value
	}
	return result, nil
}

func fromSequence(n *yaml.Node) (any, error) {
	result := make([]any, 0, len(n.Content))
	for _, child := range n.Content {
		value, err := fromNode(child)
		if err != nil {
			return nil, err
		}
		result = append(result, value)
	}
	return result, nil
}

// fromScalar keeps the text of numbers. Dates, which YAML would make times of,
// are text: templates are full of an unquoted 2012-10-17.
func fromScalar(n *yaml.Node) any {
	if _, ok := shortTag(n.Tag); ok {
		return n.Value
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

// shortTag recognises !Ref, !Sub and the like.
func shortTag(tag string) (string, bool) {
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") || tag == "!" {
		return "", false
	}
	return tag[1:], true
}

// longForm is what a short tag stands for: !Ref X is {Ref: X}, !Sub T is
// {Fn::Sub: T}, !GetAtt A.B is {Fn::GetAtt: [A, B]}.
func longForm(name string, value any) any {
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: value}
	case "GetAtt":
		if text, ok := value.(string); ok {
			id, attribute, _ := strings.Cut(text, ".")
			value = []any{id, attribute}
		}
	}
	return map[string]any{"Fn::" + name: value}
}
