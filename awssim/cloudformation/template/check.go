package template

import (
	"slices"
	"strings"
)

// check finds what can be wrong without knowing any value.
func (t *Template) check() error {
	for _, check := range []func() error{
		t.checkNames, t.checkFunctions, t.checkConditions, t.checkResources, t.checkOutputs, t.checkCycles,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses a parameter and a resource of one name: Ref could mean
// either.
func (t *Template) checkNames() error {
	var common []string
	for _, name := range sortedKeys(t.Resources) {
		if _, twice := t.Parameters[name]; twice {
			common = append(common, name)
		}
	}
	if len(common) > 0 {
		return templatef("all resources and parameters must have unique names. Common name(s):[%s]", strings.Join(common, ", "))
	}
	return nil
}

// checkConditions refuses resources in conditions, and names of conditions
// that do not exist.
func (t *Template) checkConditions() error {
	var unresolved []string
	for _, name := range sortedKeys(t.Conditions) {
		for _, r := range References(t.Conditions[name], nil) {
			if _, ok := t.Parameters[r.Name]; !ok {
				unresolved = append(unresolved, r.Name)
			}
		}
		if err := t.checkConditionNames("Conditions", conditionNames(t.Conditions[name], true)); err != nil {
			return err
		}
	}
	if len(unresolved) > 0 {
		return formatf("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template",
			strings.Join(unique(unresolved), ", "))
	}
	return nil
}

func (t *Template) checkResources() error {
	var unresolved []string
	for _, name := range sortedKeys(t.Resources) {
		r := t.Resources[name]
		for _, id := range r.DependsOn {
			if _, ok := t.Resources[id]; !ok {
				unresolved = append(unresolved, id)
			}
		}
		missing, err := t.unresolved(r.values())
		if err != nil {
			return err
		}
		unresolved = append(unresolved, missing...)
		names := append(conditionNames(r.values(), false), r.Condition)
		if err := t.checkConditionNames("Resources", names); err != nil {
			return err
		}
	}
	return dependencies(unresolved, "Resources")
}

func (t *Template) checkOutputs() error {
	var unresolved []string
	for _, name := range sortedKeys(t.Outputs) {
		o := t.Outputs[name]
		missing, err := t.unresolved([]any{o.Value, o.Export, o.Description})
		if err != nil {
			return err
		}
		unresolved = append(unresolved, missing...)
		names := append(conditionNames(o.Value, false), o.Condition)
		if err := t.checkConditionNames("Outputs", names); err != nil {
			return err
		}
	}
	return dependencies(unresolved, "Outputs")
}

func dependencies(unresolved []string, block string) error {
	if len(unresolved) == 0 {
		return nil
	}
	return formatf("Unresolved resource dependencies [%s] in the %s block of the template",
		strings.Join(unique(unresolved), ", "), block)
}

// unresolved lists the names a value refers to that the template lacks.
func (t *Template) unresolved(value any) ([]string, error) {
	var missing []string
	for _, r := range References(value, nil) {
		_, isResource := t.Resources[r.Name]
		_, isParameter := t.Parameters[r.Name]
		switch {
		case isResource, isParameter && r.Attribute == "":
		case r.Attribute != "":
			return nil, templatef("instance of Fn::GetAtt references undefined resource %s", r.Name)
		default:
			missing = append(missing, r.Name)
		}
	}
	return missing, nil
}

// values are the parts of a resource that functions may stand in.
func (r Resource) values() any {
	properties := r.Properties
	if properties == nil {
		properties = map[string]any{}
	}
	return []any{properties, r.DeletionPolicy, r.UpdateReplacePolicy, r.CreationPolicy, r.UpdatePolicy}
}

func (t *Template) checkConditionNames(block string, names []string) error {
	for _, name := range names {
		if _, ok := t.Conditions[name]; !ok && name != "" {
			return formatf("Unresolved condition dependency %s in the %s block of the template", name, block)
		}
	}
	return nil
}

// conditionNames are the conditions that Fn::If names and, among conditions,
// the function Condition.
func conditionNames(value any, amongConditions bool) []string {
	var names []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			names = append(names, conditionNames(item, amongConditions)...)
		}
	case map[string]any:
		if name, ok := conditionCall(v); ok && amongConditions {
			return []string{name}
		}
		if arms, ok := v["Fn::If"].([]any); ok && len(v) == 1 && len(arms) > 0 {
			if name, isText := arms[0].(string); isText {
				names = append(names, name)
			}
		}
		for _, key := range sortedKeys(v) {
			names = append(names, conditionNames(v[key], amongConditions)...)
		}
	}
	return names
}

// conditionCall recognises {Condition: Name}. It is a function only among
// conditions: elsewhere Condition may be any property.
func conditionCall(m map[string]any) (string, bool) {
	name, ok := m["Condition"].(string)
	return name, ok && len(m) == 1
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
