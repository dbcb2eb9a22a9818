package cloudformation

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// getTemplate returns the template of a stack or a change set: as it was given
// (TemplateStage Original), or what its transforms led to.
func (e *Engine) getTemplate(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var v version
	if c.form.has("ChangeSetName") {
		_, cs, err := e.findChangeSet(c)
		if err != nil {
			return node{}, err
		}
		v = cs.Version
	} else {
		s, err := e.need(c, absentID)
		if err != nil {
			return node{}, err
		}
		v = s.Version
	}
	body := v.text()
	if c.form.text("TemplateStage") == "Original" {
		body = v.Template
	}
	return fields(text("TemplateBody", body), textList("StagesAvailable", []string{"Original", "Processed"})), nil
}

func (e *Engine) validateTemplate(ctx context.Context, c call) (node, error) {
	parsed, err := e.parse(ctx, c)
	if err != nil {
		return node{}, err
	}
	names := sortedKeys(parsed.Parameters)
	return fields(list("Parameters", names, func(name string) node {
		p := parsed.Parameters[name]
		return fields(text("ParameterKey", name), defaultValue(p), boolean("NoEcho", p.NoEcho), optional("Description", p.Description))
	}), optional("Description", parsed.Description), capabilities(parsed), reason(parsed), transforms(parsed)), nil
}

func capabilities(t *template.Template) field {
	needed, _ := t.Capabilities()
	return optionalList("Capabilities", needed, plain)
}

func reason(t *template.Template) field {
	_, why := t.Capabilities()
	return optional("CapabilitiesReason", why)
}

func transforms(t *template.Template) field {
	return optionalList("DeclaredTransforms", t.Transforms, plain)
}

func defaultValue(p template.Parameter) field {
	if p.Default == nil {
		return field{}
	}
	return text("DefaultValue", *p.Default)
}

// parse reads the template of a call, or that of the stack it names.
func (e *Engine) parse(ctx context.Context, c call) (*template.Template, error) {
	if c.form.text("StackName") != "" {
		e.mu.Lock()
		defer e.mu.Unlock()
		s, err := e.need(c, absentID)
		if err != nil {
			return nil, err
		}
		return s.template()
	}
	body, err := e.source(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	return e.summarized(ctx, c, body)
}

// summarized reads a template whose parameters have only their defaults. The result of
// its transforms is not returned, because they need values.
func (e *Engine) summarized(ctx context.Context, c call, body string) (*template.Template, error) {
	draft, err := template.ReadDraft(body)
	if err != nil {
		return nil, err
	}
	if err := draft.Check(); err != nil {
		return nil, err
	}
	if len(draft.Transforms()) == 0 {
		return template.Parse(body)
	}
	v := version{Template: body, Caller: c.caller}
	if parsed, err := v.settle(c.Scope, "", nil, e.store(c.Scope), e.include(ctx, c.Scope, v)); err == nil {
		return parsed, nil
	}
	return draft.Head()
}

func (e *Engine) getTemplateSummary(ctx context.Context, c call) (node, error) {
	parsed, err := e.parse(ctx, c)
	if err != nil {
		return node{}, err
	}
	names := sortedKeys(parsed.Parameters)
	members := []field{
		list("Parameters", names, func(name string) node { return declaration(name, parsed.Parameters[name]) }),
		optional("Description", parsed.Description), capabilities(parsed), reason(parsed),
		textList("ResourceTypes", resourceTypes(parsed)), text("Version", "2010-09-09"), transforms(parsed),
	}
	if parsed.Metadata != nil {
		metadata, _ := json.Marshal(parsed.Metadata)
		members = append(members, text("Metadata", string(metadata)))
	}
	return fields(members...), nil
}

func declaration(name string, p template.Parameter) node {
	return fields(
		text("ParameterKey", name), defaultValue(p), text("ParameterType", p.Type), boolean("NoEcho", p.NoEcho),
		optional("Description", p.Description), group("ParameterConstraints", optionalList("AllowedValues", p.AllowedValues, plain)),
	)
}

func resourceTypes(t *template.Template) []string {
	var types []string
	for _, r := range t.Resources {
		types = append(types, r.Type)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// getStackPolicy returns no policy: the simulator has no call to set one.
func (e *Engine) getStackPolicy(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := e.need(c, absentStack)
	return node{}, err
}
