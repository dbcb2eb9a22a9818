package template

import (
	"fmt"
	"slices"
)

const maxIncludes = 20

// included runs AWS::Include, of the template's own section and of every
// Fn::Transform.
func (p *processor) included(root map[string]any) (map[string]any, error) {
	result, err := p.include(root)
	if err != nil {
		return nil, err
	}
	members, ok := result.(map[string]any)
	if !ok {
		return nil, formatf("unsupported structure.")
	}
	for _, call := range listOf(root["Transform"]) {
		if names := transforms(call); !slices.Contains(names, include) {
			continue
		}
		snippet, err := p.snippet(call)
		if err != nil {
			return nil, err
		}
		sections, ok := snippet.(map[string]any)
		if !ok {
			return nil, formatf("what %s reads for a template must be an object", include)
		}
		for name, section := range sections {
			if err := merge(members, name, section); err != nil {
				return nil, err
			}
		}
	}
	return members, nil
}

func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// merge adds a section, or its members to one that is there.
func merge(root map[string]any, name string, section any) error {
	own, isMap := root[name].(map[string]any)
	added, ok := section.(map[string]any)
	if !isMap || !ok {
		root[name] = section
		return nil
	}
	for key, member := range added {
		if _, twice := own[key]; twice {
			return formatf("duplicate key %s", key)
		}
		own[key] = member
	}
	return nil
}

// include copies a value with every Fn::Transform replaced by what it reads.
// What stands beside it is kept.
func (p *processor) include(value any) (any, error) {
	switch v := value.(type) {
	case []any:
		result := make([]any, len(v))
		for i, item := range v {
			copied, err := p.include(item)
			if err != nil {
				return nil, err
			}
			result[i] = copied
		}
		return result, nil
	case map[string]any:
		return p.includeInto(v)
	}
	return value, nil
}

func (p *processor) includeInto(members map[string]any) (any, error) {
	result := make(map[string]any, len(members))
	for _, key := range sortedKeys(members) {
		if key == "Fn::Transform" {
			continue
		}
		copied, err := p.include(members[key])
		if err != nil {
			return nil, err
		}
		result[key] = copied
	}
	for _, call := range listOf(members["Fn::Transform"]) {
		if call == nil {
			continue
		}
		snippet, err := p.snippet(call)
		if err != nil {
			return nil, err
		}
		read, ok := snippet.(map[string]any)
		if !ok && len(members) == 1 {
			return snippet, nil
		}
		for key, member := range read {
			if _, twice := result[key]; twice {
				return nil, formatf("duplicate key %s", key)
			}
			result[key] = member
		}
	}
	return result, nil
}

// snippet reads what a call of AWS::Include names.
func (p *processor) snippet(call any) (any, error) {
	members, _ := call.(map[string]any)
	if name, _ := members["Name"].(string); name != include {
		return nil, validationf("the simulator runs no transform %v inside of a template", members["Name"])
	}
	parameters, _ := members["Parameters"].(map[string]any)
	value, err := p.env.Evaluate(parameters["Location"])
	if err != nil {
		return nil, err
	}
	location, _ := value.(string)
	if location == "" {
		return nil, &TransformError{Name: include, Reason: "The location parameter is not a valid S3 uri."}
	}
	if p.depth++; p.depth > maxIncludes {
		return nil, &TransformError{Name: include, Reason: fmt.Sprintf("more than %d snippets", maxIncludes)}
	}
	text, err := p.read(location)
	if err != nil {
		return nil, err
	}
	return readValue(text)
}
