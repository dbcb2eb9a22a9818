package localrun

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// expression matches an expression that Argo replaces in a template.
var expression = regexp.MustCompile(`\{\{((?:[^{}]|"\{ ?")*)\}\}`)

// computed are the computed expressions of the template: a value with every $ doubled for
// the kubelet, and one with a space after every brace besides.
var computed = []struct {
	form *regexp.Regexp
	with *strings.Replacer
}{
	{regexp.MustCompile(`^=sprig\.replace\("\$", "\$\$", ([a-z.-]+)\)$`), strings.NewReplacer("$", "$$")},
	{regexp.MustCompile(`^=sprig\.replace\("\$", "\$\$", sprig\.replace\("\{", "\{ ", ([a-z.-]+)\)\)$`), strings.NewReplacer("$", "$$", "{", "{ ")},
}

// scope holds the values that expressions can refer to.
type scope map[string]string

// with returns a scope that also holds values under a prefix.
func (s scope) with(prefix string, values map[string]string) scope {
	wider := make(scope, len(s)+len(values))
	for name, value := range s {
		wider[name] = value
	}
	for name, value := range values {
		wider[prefix+name] = value
	}
	return wider
}

// resolve replaces the expressions in text once: expressions in values are not replaced.
func (s scope) resolve(text string) (string, error) {
	var unknown []string
	resolved := expression.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.TrimSpace(found[2 : len(found)-2])
		change := strings.NewReplacer()
		for _, one := range computed {
			if parts := one.form.FindStringSubmatch(name); parts != nil {
				name, change = parts[1], one.with
			}
		}
		value, ok := s[name]
		if !ok {
			unknown = append(unknown, found)
		}
		return change.Replace(value)
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("the local run cannot resolve %s", strings.Join(unknown, ", "))
	}
	return resolved, nil
}

func (s scope) resolveAll(texts []string) ([]string, error) {
	resolved := make([]string, 0, len(texts))
	for _, text := range texts {
		value, err := s.resolve(text)
		if err != nil {
			return nil, err
		}
		resolved = append(resolved, value)
	}
	return resolved, nil
}

// arguments resolves the arguments of a task.
func (s scope) arguments(a Arguments) (map[string]string, error) {
	values := map[string]string{}
	for _, parameter := range a.Parameters {
		if parameter.Value == nil {
			return nil, fmt.Errorf("the argument %q has no value", parameter.Name)
		}
		value, err := s.resolve(*parameter.Value)
		if err != nil {
			return nil, fmt.Errorf("argument %q: %w", parameter.Name, err)
		}
		values[parameter.Name] = value
	}
	return values, nil
}

// bind sets every declared parameter to the given value, or to its default.
func bind(declared []Parameter, given map[string]string) (map[string]string, error) {
	bound := map[string]string{}
	for _, parameter := range declared {
		value, ok := given[parameter.Name]
		switch {
		case ok:
			bound[parameter.Name] = value
		case parameter.Value != nil:
			bound[parameter.Name] = *parameter.Value
		case parameter.Default != nil:
			bound[parameter.Name] = *parameter.Default
		default:
			return nil, fmt.Errorf("the parameter %q has no value", parameter.Name)
		}
	}
	for name := range given {
		if _, ok := bound[name]; !ok {
			return nil, fmt.Errorf("there is no parameter %q", name)
		}
	}
	return bound, nil
}

// expand replaces $(NAME) in the value of a variable by the values of the variables
// before it, and $$ by $, as the kubelet does (Kubernetes API, EnvVar.value).
func expand(value string, before []string) string {
	return reference.ReplaceAllStringFunc(value, func(found string) string {
		if found == "$$" {
			return "$"
		}
		name := found[2 : len(found)-1]
		for _, entry := range slices.Backward(before) {
			if known, is := strings.CutPrefix(entry, name+"="); is {
				return known
			}
		}
		return found
	})
}

// reference matches the references that the kubelet replaces in the value of a variable.
var reference = regexp.MustCompile(`\$\$|\$\([^)]*\)`)
