package deploy

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Parameter is a value for a template parameter; the last of several wins.
type Parameter struct {
	Stack string // name, construct path or pattern; empty is every stack that has the parameter
	Key   string
	Value string
}

// ParseParameters parses assignments in the format of the CDK CLI's --parameters,
// [STACK:]KEY=VALUE. Those for all stacks come first, as later ones override earlier ones.
func ParseParameters(texts []string) (parameters []Parameter, err error) {
	for _, text := range texts {
		name, value, isAssignment := strings.Cut(text, "=")
		stack, key, ofStack := "", name, false
		if at := strings.LastIndex(name, ":"); at >= 0 {
			stack, key, ofStack = name[:at], name[at+1:], true
		}
		if !isAssignment || key == "" || ofStack && stack == "" {
			return nil, errs.Invalidf("--parameters %q is not an assignment", text).WithHint("write it as KEY=VALUE or STACK:KEY=VALUE")
		}
		parameters = append(parameters, Parameter{Stack: stack, Key: key, Value: value})
	}
	slices.SortStableFunc(parameters, func(a, b Parameter) int {
		return cmp.Compare(min(len(a.Stack), 1), min(len(b.Stack), 1))
	})
	return parameters, nil
}

// ParseContext parses assignments in the format of the CDK CLI's --context, KEY=VALUE.
func ParseContext(texts []string) (map[string]any, error) {
	context := map[string]any{}
	for _, text := range texts {
		key, value, isAssignment := strings.Cut(text, "=")
		switch {
		case !isAssignment || key == "":
			return nil, errs.Invalidf("--context %q is not an assignment", text).WithHint("write it as KEY=VALUE")
		case strings.HasPrefix(key, "aws:"):
			return nil, errs.Invalidf("--context %q: keys with the prefix aws: are reserved for the CDK", text)
		}
		context[key] = value
	}
	return context, nil
}

// configuredParameters returns the parameters of the configuration, those for all
// stacks first, as later ones win.
func configuredParameters(configured map[string]config.Parameter) (all []Parameter) {
	var ofStacks []Parameter
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		entry := configured[name]
		if entry.OfStack == nil {
			all = append(all, Parameter{Key: name, Value: entry.Value})
		}
		for _, key := range slices.Sorted(maps.Keys(entry.OfStack)) {
			ofStacks = append(ofStacks, Parameter{name, key, entry.OfStack[key]})
		}
	}
	return append(all, ofStacks...)
}

// parametersOf returns the parameters of each stack of the environment. A
// parameter that no stack has, or an unknown stack, is an error: a misspelt name
// would otherwise deploy the default.
func (j *job) parametersOf(targets []target) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	if len(j.Parameters) == 0 {
		return found, nil
	}
	declared := map[string][]string{}
	for _, t := range targets {
		found[t.name] = map[string]string{}
		if names, isRead := declaredParameters(t.stack); isRead { // a template that cannot be read fails when its stack is deployed
			declared[t.name] = names
		}
	}
	for _, p := range j.Parameters {
		if err := p.assignTo(targets, declared, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p Parameter) assignTo(targets []target, declared map[string][]string, found map[string]map[string]string) error {
	var meant []target
	var known []string
	has := false
	for _, t := range targets {
		if p.Stack != "" && !t.matches(p.Stack) {
			continue
		}
		names, isRead := declared[t.name]
		meant, known = append(meant, t), append(known, names...)
		if !isRead || slices.Contains(names, p.Key) {
			found[t.name][p.Key], has = p.Value, true
		}
	}
	switch {
	case has:
		return nil
	case p.Stack != "" && meant == nil:
		return unknownStack(p.Stack, targets)
	}
	return p.unknown(known)
}

// unknown is the error for a parameter that no matching stack has.
func (p Parameter) unknown(known []string) error {
	err := errs.Invalidf("a value is given for parameter %s, but no stack of this environment has such a parameter", p.Key)
	if p.Stack != "" {
		err = errs.Invalidf("a value is given for parameter %s, but stack %s has no such parameter", p.Key, p.Stack)
	}
	slices.Sort(known)
	if near := assembly.Nearest(p.Key, known); near != "" {
		return err.WithHint("did you mean %s?", near)
	}
	if known = slices.Compact(known); len(known) > 0 {
		return err.WithHint("the parameters are %s", strings.Join(known, ", "))
	}
	return err
}

// declaredParameters returns the names of the parameters of a stack's template,
// and whether it could be read.
func declaredParameters(stack assembly.Stack) (names []string, isRead bool) {
	var template struct{ Parameters map[string]json.RawMessage }
	text, err := limits.ReadFile(stack.Template, assembly.MaxDocument)
	if err != nil || json.Unmarshal(text, &template) != nil {
		return nil, false
	}
	return slices.Sorted(maps.Keys(template.Parameters)), true
}
