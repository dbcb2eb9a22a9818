package template

import (
	"regexp"
	"slices"
)

var (
	resourceMembers = []string{
		"Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "Metadata",
		"Properties", "Type", "UpdatePolicy", "UpdateReplacePolicy", "Version",
	}
	outputMembers = []string{"Condition", "Description", "Export", "Value"}
	alphanumeric  = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	policies      = []string{"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
)

func readResources(root map[string]any, t *Template) error {
	members, err := section(root, "Resources")
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return formatf("At least one Resources member must be defined.")
	}
	if len(members) > 500 {
		return formatf("Number of resources, %d, is greater than maximum allowed, 500", len(members))
	}
	t.Resources = make(map[string]Resource, len(members))
	for _, name := range sortedKeys(members) {
		if t.Resources[name], err = readResource(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func readResource(name string, member map[string]any) (Resource, error) {
	if !alphanumeric.MatchString(name) {
		return Resource{}, formatf("Resource name %s is non alphanumeric.", name)
	}
	if err := knownMembers(member, resourceMembers, "Invalid template resource property '%s'"); err != nil {
		return Resource{}, err
	}
	r := Resource{
		Metadata:            member["Metadata"],
		CreationPolicy:      member["CreationPolicy"],
		UpdatePolicy:        member["UpdatePolicy"],
		DeletionPolicy:      member["DeletionPolicy"],
		UpdateReplacePolicy: member["UpdateReplacePolicy"],
	}
	var ok bool
	if r.Type, ok = member["Type"].(string); !ok || r.Type == "" {
		return r, formatf("[/Resources/%s] Every Resources object must contain a Type member.", name)
	}
	if r.Condition, ok = optionalText(member["Condition"]); !ok {
		return r, formatf("[/Resources/%s/Condition] Every Condition member must be a string.", name)
	}
	if r.DependsOn, ok = textList(member["DependsOn"]); !ok {
		return r, formatf("DependsOn of resource %s must be a string or a list of strings.", name)
	}
	if r.Properties, ok = optionalMap(member["Properties"]); !ok {
		return r, formatf("[/Resources/%s] Every Properties member must be an object.", name)
	}
	return r, checkPolicies(name, r)
}

// checkPolicies checks the policies that are plain strings; functions are
// checked when they are evaluated.
func checkPolicies(name string, r Resource) error {
	for member, policy := range map[string]any{
		"DeletionPolicy": r.DeletionPolicy, "UpdateReplacePolicy": r.UpdateReplacePolicy,
	} {
		if text, ok := policy.(string); ok && !slices.Contains(policies, text) {
			return formatf("Unrecognized %s %s for resource %s", member, text, name)
		}
	}
	return nil
}

func readOutputs(root map[string]any, t *Template) error {
	members, err := section(root, "Outputs")
	if err != nil {
		return err
	}
	if len(members) > 200 {
		return formatf("Number of outputs, %d, is greater than maximum allowed, 200", len(members))
	}
	t.Outputs = make(map[string]Output, len(members))
	for _, name := range sortedKeys(members) {
		if t.Outputs[name], err = readOutput(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func readOutput(name string, member map[string]any) (Output, error) {
	if !alphanumeric.MatchString(name) {
		return Output{}, formatf("Output name %s is non alphanumeric.", name)
	}
	if err := knownMembers(member, outputMembers, "Invalid output property or properties [%s]"); err != nil {
		return Output{}, err
	}
	o := Output{Description: member["Description"], Value: member["Value"]}
	if o.Value == nil {
		return o, formatf("Every Outputs member must contain a Value object")
	}
	var ok bool
	if o.Condition, ok = optionalText(member["Condition"]); !ok {
		return o, formatf("[/Outputs/%s/Condition] Every Condition member must be a string.", name)
	}
	if member["Export"] == nil {
		return o, nil
	}
	export, ok := member["Export"].(map[string]any)
	if !ok || len(export) != 1 || export["Name"] == nil {
		return o, formatf("Output %s is malformed. Its Export must have one member, Name.", name)
	}
	o.Export = export["Name"]
	return o, nil
}

func optionalText(value any) (string, bool) {
	if value == nil {
		return "", true
	}
	text, ok := value.(string)
	return text, ok
}

func optionalMap(value any) (map[string]any, bool) {
	if value == nil {
		return nil, true
	}
	m, ok := value.(map[string]any)
	return m, ok
}

// textList accepts nothing, one string, or a list of strings.
func textList(value any) ([]string, bool) {
	switch v := value.(type) {
	case nil:
		return nil, true
	case string:
		return []string{v}, true
	case []any:
		result := make([]string, 0, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			result = append(result, text)
		}
		return result, true
	}
	return nil, false
}
