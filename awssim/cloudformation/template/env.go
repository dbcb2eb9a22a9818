package template

import (
	"fmt"
	"strings"
)

// Env is all that a template's values depend on.
type Env struct {
	Template  *Template
	Pseudo    map[string]any // AWS::Region and the like
	Arguments []Value
	// Resource returns the Ref of a resource, Attribute its Fn::GetAtt.
	Resource  func(logicalID string) (any, error)
	Attribute func(logicalID, name string) (any, error)
	// Import returns the value of an export.
	Import func(name string) (any, error)
	// Output returns the value of an output of another stack.
	Output func(StackOutput) (any, error)
	// Zones returns the availability zones of a region.
	Zones func(region string) []string

	parameters map[string]any
	conditions map[string]bool
	deciding   map[string]bool
}

// Unknown is a value that is known only after the deployment. Whatever is
// computed from it is unknown too.
type Unknown struct{}

// noValue is AWS::NoValue: the member or item it stands for is left out.
type noValue struct{}

// Conditions evaluates every condition of the template.
func (e *Env) Conditions() (map[string]bool, error) {
	for _, name := range sortedKeys(e.Template.Conditions) {
		if _, err := e.condition(name); err != nil {
			return nil, err
		}
	}
	if e.conditions == nil {
		e.conditions = map[string]bool{}
	}
	return e.conditions, nil
}

func (e *Env) condition(name string) (bool, error) {
	if holds, ok := e.conditions[name]; ok {
		return holds, nil
	}
	expression, ok := e.Template.Conditions[name]
	if !ok {
		return false, formatf("Unresolved condition dependency %s in the template", name)
	}
	if e.deciding[name] {
		return false, formatf("Circular dependencies for Conditions: [%s]", name)
	}
	if e.deciding == nil {
		e.deciding, e.conditions = map[string]bool{}, map[string]bool{}
	}
	e.deciding[name] = true
	defer delete(e.deciding, name)
	holds, err := e.holds(expression)
	if err == nil {
		e.conditions[name] = holds
	}
	return holds, err
}

// holds evaluates what must be true or false.
func (e *Env) holds(expression any) (bool, error) {
	if m, ok := expression.(map[string]any); ok {
		if name, ok := conditionCall(m); ok {
			return e.condition(name)
		}
	}
	value, err := e.Evaluate(expression)
	if err != nil {
		return false, err
	}
	switch v := value.(type) {
	case bool:
		return v, nil
	case string:
		if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
			return strings.EqualFold(v, "true"), nil
		}
	}
	return false, formatf("Conditions can only be boolean operations on parameters and other conditions, not %v", value)
}

// Evaluate computes a value: every function in it replaced by its result, what
// is AWS::NoValue left out.
func (e *Env) Evaluate(value any) (any, error) {
	result, err := e.evaluate(value)
	if _, nothing := result.(noValue); nothing {
		return nil, err
	}
	return result, err
}

func (e *Env) evaluate(value any) (any, error) {
	switch v := value.(type) {
	case []any:
		return e.evaluateList(v)
	case map[string]any:
		name, argument, ok := call(v)
		if !ok {
			return e.evaluateMap(v)
		}
		function, known := functions[name]
		if !known {
			return nil, unsupported(name)
		}
		return function(e, argument)
	}
	return value, nil
}

func (e *Env) evaluateList(items []any) (any, error) {
	result := make([]any, 0, len(items))
	for _, item := range items {
		value, err := e.evaluate(item)
		if err != nil {
			return nil, err
		}
		if _, nothing := value.(noValue); !nothing {
			result = append(result, value)
		}
	}
	return result, nil
}

func (e *Env) evaluateMap(members map[string]any) (any, error) {
	result := make(map[string]any, len(members))
	for _, key := range sortedKeys(members) {
		value, err := e.evaluate(members[key])
		if err != nil {
			return nil, err
		}
		if _, nothing := value.(noValue); !nothing {
			result[key] = value
		}
	}
	return result, nil
}

// parameter is what Ref gives for a parameter.
func (e *Env) parameter(name string) (any, bool) {
	if e.parameters == nil {
		e.parameters = make(map[string]any, len(e.Arguments))
		for _, v := range e.Arguments {
			e.parameters[v.Key] = e.Template.Parameters[v.Key].seen(v.Effective())
		}
	}
	value, ok := e.parameters[name]
	return value, ok
}

// ref is the function Ref.
func (e *Env) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := e.Pseudo[name]; ok {
		return value, nil
	}
	if value, ok := e.parameter(name); ok {
		return value, nil
	}
	if _, ok := e.Template.Resources[name]; ok && e.Resource != nil {
		return e.Resource(name)
	}
	return nil, formatf("Unresolved resource dependencies [%s] in the Resources block of the template", name)
}

func (e *Env) attribute(id, name string) (any, error) {
	if _, ok := e.Template.Resources[id]; ok && e.Attribute != nil {
		return e.Attribute(id, name)
	}
	return nil, templatef("instance of Fn::GetAtt references undefined resource %s", id)
}

// IsUnknown reports whether a value is known only after the deployment.
func IsUnknown(value any) bool {
	switch v := value.(type) {
	case Unknown:
		return true
	case []any:
		for _, item := range v {
			if IsUnknown(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if IsUnknown(item) {
				return true
			}
		}
	}
	return false
}

func unsupported(name string) error {
	return templatef("Encountered unsupported function: %s Supported functions are: %s",
		name, fmt.Sprint(sortedKeys(functions)))
}
