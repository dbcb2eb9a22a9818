package cloudformation

import (
	"context"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// text is the template that is deployed: what the transforms led to, where
// there are some.
func (v version) text() string {
	if v.Processed != "" {
		return v.Processed
	}
	return v.Template
}

// settle gives a version the values of its parameters, given ones before those
// that it has, and runs the transforms of its template. The result declares
// the transforms that were run.
func (v *version) settle(scope Scope, stackName string, given []template.Argument, store template.Store, read template.Include) (*template.Template, error) {
	draft, err := template.ReadDraft(v.Template)
	if err != nil {
		return nil, err
	}
	if err := draft.Check(); err != nil {
		return nil, err
	}
	if v.Processed, err = process(draft, *v, scope, stackName, given, store, read); err != nil {
		return nil, err
	}
	parsed, err := template.Parse(v.text())
	if err != nil {
		return nil, err
	}
	parsed.Transforms = draft.Transforms()
	v.Arguments, err = parsed.Arguments(given, v.Arguments, store)
	return parsed, err
}

// process runs the transforms of a draft; one without gives an empty text.
func process(draft *template.Draft, v version, scope Scope, stackName string, given []template.Argument, store template.Store, read template.Include) (string, error) {
	if len(draft.Transforms()) == 0 {
		return "", nil
	}
	head, err := draft.Head()
	if err != nil {
		return "", err
	}
	arguments, err := head.Arguments(given, v.Arguments, store)
	if err != nil {
		return "", err
	}
	return draft.Process(&template.Env{
		Template: head, Arguments: arguments, Pseudo: pseudo(scope, v, stackName, ""), Zones: zones,
	}, read)
}

// include reads what AWS::Include names, with the rights of whoever deploys.
func (e *Engine) include(ctx context.Context, scope Scope, v version) template.Include {
	return func(location string) (string, error) { return e.fetch(ctx, scope, v.actor(), location) }
}
