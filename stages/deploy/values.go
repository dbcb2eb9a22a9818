package deploy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// flagValues are the parsed flags in the formats of the CDK CLI.
type flagValues struct {
	parameters []deploy.Parameter // those for all stacks first: later ones override earlier ones
	context    map[string]any
}

// values parses the flags in the formats of the CDK CLI.
func (in Input) values() (flagValues, error) {
	v := flagValues{context: map[string]any{}}
	for _, text := range in.Parameters {
		name, value, isAssignment := strings.Cut(text, "=")
		stack, key, ofStack := cutLast(name, ":")
		if !isAssignment || key == "" || ofStack && stack == "" {
			return v, errs.Invalidf("--parameters %q is not an assignment", text).WithHint("write it as KEY=VALUE or STACK:KEY=VALUE")
		}
		v.parameters = append(v.parameters, deploy.Parameter{Stack: stack, Key: key, Value: value})
	}
	slices.SortStableFunc(v.parameters, func(a, b deploy.Parameter) int {
		return cmp.Compare(min(len(a.Stack), 1), min(len(b.Stack), 1))
	})
	for _, text := range in.Context {
		key, value, isAssignment := strings.Cut(text, "=")
		switch {
		case !isAssignment || key == "":
			return v, errs.Invalidf("--context %q is not an assignment", text).WithHint("write it as KEY=VALUE")
		case strings.HasPrefix(key, "aws:"):
			return v, errs.Invalidf("--context %q: keys with the prefix aws: are reserved for the CDK", text)
		}
		v.context[key] = value
	}
	return v, nil
}

// cutLast splits a text at the last separator; without one, before is empty.
func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+len(separator):], true
}
