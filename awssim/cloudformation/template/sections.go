package template

import (
	"slices"
	"strings"
)

var knownSections = []string{
	"AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings",
	"Metadata", "Outputs", "Parameters", "Resources", "Rules", "Transform",
}

func fromSections(root map[string]any) (*Template, error) {
	if err := knownMembers(root, knownSections, "Invalid template property or properties [%s]"); err != nil {
		return nil, err
	}
	if version, ok := root["AWSTemplateFormatVersion"]; ok && version != "2010-09-09" {
		return nil, formatf("%v is not a supported value for AWSTemplateFormatVersion.", version)
	}
	t := &Template{Metadata: root["Metadata"]}
	if err := readDescription(root, t); err != nil {
		return nil, err
	}
	t.Transforms = transforms(root["Transform"])
	for _, read := range []func(map[string]any, *Template) error{
		readParameters, readMappings, readConditions, readRules, readResources, readOutputs,
	} {
		if err := read(root, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// knownMembers refuses members that do not belong; the format has one verb for
// their names.
func knownMembers(m map[string]any, known []string, format string) error {
	var unknown []string
	for _, key := range sortedKeys(m) {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		return validationf(format, strings.Join(unknown, ", "))
	}
	return nil
}

func readDescription(root map[string]any, t *Template) error {
	switch d := root["Description"].(type) {
	case nil:
	case string:
		if len(d) > 1024 {
			return formatf("'Description' length is greater than 1024.")
		}
		t.Description = d
	default:
		return formatf("Template Description must be a string.")
	}
	return nil
}

// transforms are strings, or maps with a Name, one or many.
func transforms(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case map[string]any:
		name, _ := v["Name"].(string)
		return []string{name}
	case []any:
		var names []string
		for _, item := range v {
			names = append(names, transforms(item)...)
		}
		return names
	}
	return nil
}

// section returns a section's members, each of which must be an object.
func section(root map[string]any, name string) (map[string]map[string]any, error) {
	if root[name] == nil {
		return nil, nil
	}
	members, ok := root[name].(map[string]any)
	if !ok {
		return nil, formatf("Template %s block must be a map.", name)
	}
	result := make(map[string]map[string]any, len(members))
	for _, key := range sortedKeys(members) {
		member, ok := members[key].(map[string]any)
		if !ok {
			return nil, formatf("[/%s/%s] Every %s member must be an object.", name, key, name)
		}
		result[key] = member
	}
	return result, nil
}

func readMappings(root map[string]any, t *Template) error {
	members, err := section(root, "Mappings")
	t.Mappings = make(map[string]any, len(members))
	for name, mapping := range members {
		t.Mappings[name] = mapping
	}
	return err
}

func readConditions(root map[string]any, t *Template) error {
	members, err := section(root, "Conditions")
	t.Conditions = make(map[string]any, len(members))
	for name, condition := range members {
		t.Conditions[name] = condition
	}
	return err
}

func readRules(root map[string]any, t *Template) error {
	members, err := section(root, "Rules")
	if err != nil {
		return err
	}
	t.Rules = make(map[string]Rule, len(members))
	for name, member := range members {
		rule := Rule{Condition: member["RuleCondition"]}
		assertions, _ := member["Assertions"].([]any)
		if len(assertions) == 0 {
			return formatf("Rule %s must have at least one assertion.", name)
		}
		for _, item := range assertions {
			fields, _ := item.(map[string]any)
			description, _ := fields["AssertDescription"].(string)
			rule.Assertions = append(rule.Assertions, Assertion{Assert: fields["Assert"], Description: description})
		}
		t.Rules[name] = rule
	}
	return nil
}
