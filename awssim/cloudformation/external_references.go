package cloudformation

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// externalReferences are what a plan refers to outside its stack: nested templates,
// SSM parameters and existing resources, fetched from the host between attempts.
type externalReferences struct {
	templates  map[string]string
	parameters map[string]parameter
	existing   map[occupied]existing
	deep       bool // the change set is one of nested stacks too
	pending    []func(context.Context, *Engine, *stack, version) error
}

type parameter struct {
	value, typ string
	err        error
}

var errUnresolved = errors.New("not known yet")

// template returns a nested template, or notes that it is pending.
func (k *externalReferences) template(url string) (string, bool) {
	text, ok := k.templates[url]
	if !ok {
		k.pending = append(k.pending, func(ctx context.Context, e *Engine, s *stack, v version) error {
			text, err := e.fetch(ctx, s.Scope, v.actor(), url)
			k.templates[url] = text
			return err
		})
	}
	return text, ok
}

// parameter returns an SSM parameter, or notes that it is pending.
func (k *externalReferences) parameter(name string) (value, typ string, err error) {
	p, ok := k.parameters[name]
	if !ok {
		k.pending = append(k.pending, func(_ context.Context, e *Engine, s *stack, _ version) error {
			value, typ, err := e.store(s.Scope)(name)
			k.parameters[name] = parameter{value, typ, err}
			return nil
		})
		return "", "", errUnresolved
	}
	return p.value, p.typ, p.err
}

// resolve asks the host for everything pending.
func (k *externalReferences) resolve(ctx context.Context, e *Engine, s *stack, v version) error {
	pending := k.pending
	k.pending = nil
	for _, ask := range pending {
		if err := ask(ctx, e, s, v); err != nil {
			return err
		}
	}
	return nil
}

// plannedVersion is the version a nested stack would get, with what is unknown
// written as such.
func (e *Engine) plannedVersion(s *stack, parent version, properties map[string]any, body string, known *externalReferences) (version, error) {
	planned := *s
	planned.Version = parent
	v, err := childVersion(&planned, named(properties).(map[string]any), body, known.parameter, func(location string) (string, error) {
		text, ok := known.template(location)
		if !ok {
			return "", errUnresolved
		}
		return text, nil
	})
	if len(known.pending) > 0 {
		return v, errUnresolved
	}
	return v, err
}

// named writes what is unknown as text.
func named(value any) any {
	switch v := value.(type) {
	case template.Unknown:
		return knownAfterApply
	case []any:
		result := make([]any, len(v))
		for i, item := range v {
			result[i] = named(item)
		}
		return result
	case map[string]any:
		result := make(map[string]any, len(v))
		for key, item := range v {
			result[key] = named(item)
		}
		return result
	}
	return value
}
