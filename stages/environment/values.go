package environment

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// Values are what a deployment is given beside what the configuration says of
// the environment, and over it.
type Values struct {
	Parameters       []GivenParameter
	Context          map[string]any
	NotificationARNs []string
}

// GivenParameter is the value of a template's parameter.
type GivenParameter struct {
	Stack string // name, construct path or pattern; empty is every stack that has the parameter
	Key   string
	Value string
}

// values reads the flags that have the forms of the CDK CLI's.
func (in Input) values() (Values, error) {
	v := Values{NotificationARNs: in.NotificationARNs, Context: map[string]any{}}
	for _, text := range in.Parameters {
		name, value, isAssignment := strings.Cut(text, "=")
		stack, key, ofStack := cutLast(name, ":")
		if !isAssignment || key == "" || ofStack && stack == "" {
			return v, fault.Invalidf("--parameters %q is no assignment", text).WithHint("write it as KEY=VALUE or STACK:KEY=VALUE")
		}
		v.Parameters = append(v.Parameters, GivenParameter{stack, key, value})
	}
	for _, text := range in.Context {
		key, value, isAssignment := strings.Cut(text, "=")
		switch {
		case !isAssignment || key == "":
			return v, fault.Invalidf("--context %q is no assignment", text).WithHint("write it as KEY=VALUE")
		case strings.HasPrefix(key, "aws:"):
			return v, fault.Invalidf("--context %q: keys that begin with aws: are the CDK's own", text)
		}
		v.Context[key] = value
	}
	return v, nil
}

// cutLast splits a text at the last separator; without one all is behind it.
func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+len(separator):], true
}

// context is the context that the CDK apps are given over their files.
func (j *job) context() map[string]any {
	all := maps.Clone(j.Environment.Context)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, j.Values.Context)
	return all
}

// givenParameters are those of the configuration, then those of the flags, each
// time first those for all stacks; later ones outrank earlier ones.
func (j *job) givenParameters() []GivenParameter {
	var all, ofStacks []GivenParameter
	for _, name := range slices.Sorted(maps.Keys(j.Environment.Parameters)) {
		entry := j.Environment.Parameters[name]
		if entry.OfStack == nil {
			all = append(all, GivenParameter{Key: name, Value: entry.Value})
		}
		for _, key := range slices.Sorted(maps.Keys(entry.OfStack)) {
			ofStacks = append(ofStacks, GivenParameter{name, key, entry.OfStack[key]})
		}
	}
	all = append(all, ofStacks...)
	for _, ofStack := range []bool{false, true} {
		for _, p := range j.Values.Parameters {
			if (p.Stack != "") == ofStack {
				all = append(all, p)
			}
		}
	}
	return all
}

// parametersOf gives each of the environment's stacks the parameters that it
// gets. One that no stack has, or a stack that is not there, is an error: a
// misspelt name would otherwise leave the default in place.
func (j *job) parametersOf(targets []target) (map[string]map[string]string, error) {
	given, found := j.givenParameters(), map[string]map[string]string{}
	if len(given) == 0 {
		return found, nil
	}
	declared := map[string][]string{}
	for _, t := range targets {
		found[t.name] = map[string]string{}
		if names, isRead := declaredParameters(t.stack); isRead { // a template that cannot be read is judged when its stack is deployed
			declared[t.name] = names
		}
	}
	for _, p := range given {
		if err := p.giveTo(targets, declared, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p GivenParameter) giveTo(targets []target, declared map[string][]string, found map[string]map[string]string) error {
	var meant []target
	var known []string
	has := false
	for _, t := range targets {
		if p.Stack != "" && !t.isMeant(p.Stack) {
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
		return notHere(p.Stack, targets)
	}
	return p.lacking(known)
}

// lacking is the error for a parameter that none of those that are meant has.
func (p GivenParameter) lacking(known []string) error {
	err := fault.Invalidf("there is a value for the parameter %s, but no stack of this environment has such a parameter", p.Key)
	if p.Stack != "" {
		err = fault.Invalidf("there is a value for the parameter %s, but the stack %s has no such parameter", p.Key, p.Stack)
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

// declaredParameters are the names of the parameters that a stack's template
// has, and whether it could be read.
func declaredParameters(stack assembly.Stack) (names []string, isRead bool) {
	var template struct{ Parameters map[string]json.RawMessage }
	text, err := os.ReadFile(stack.Template)
	if err != nil || json.Unmarshal(text, &template) != nil {
		return nil, false
	}
	return slices.Sorted(maps.Keys(template.Parameters)), true
}
