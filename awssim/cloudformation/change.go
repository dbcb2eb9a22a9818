package cloudformation

import (
	"encoding/json"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// change is the change of one resource in a change set.
type change struct {
	Action       string // Add, Import, Modify or Remove
	LogicalID    string
	PhysicalID   string
	Type         string
	Replacement  string // True, False or Conditional, of a Modify
	PolicyAction string // what happens to the former physical resource
	Scope        []string
	Details      []detail
	ChangeSetID  string // of a nested stack
	Before       string // JSON
	After        string
}

// detail is one reason for a change.
type detail struct {
	Attribute  string // Properties, Tags, Metadata, …
	Name       string // of the property
	Recreation string // Always, Conditionally or Never
	Evaluation string // Static or Dynamic
	Source     string // DirectModification, ParameterReference, …
	Cause      string // the parameter, resource or attribute that changed
	Kind       string // Add, Modify or Remove
	Before     string
	After      string
}

func addition(r *resource) change {
	return change{Action: "Add", LogicalID: r.LogicalID, Type: r.Type, After: situation(r)}
}

func importation(r *resource, physicalID string) change {
	return change{Action: "Import", LogicalID: r.LogicalID, PhysicalID: physicalID, Type: r.Type, After: situation(r)}
}

func removal(r *resource) change {
	return change{
		Action: "Remove", LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type,
		PolicyAction: policyAction("", r.DeletionPolicy), Before: situation(r),
	}
}

// automatic is the change of a nested stack's resource whose own properties
// stay: what its template says changes.
func automatic(r *resource) change {
	return change{
		Action: "Modify", LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type, Replacement: "False",
		Scope:   []string{"Properties"},
		Details: []detail{{Attribute: "Properties", Recreation: "Never", Evaluation: "Dynamic", Source: "Automatic"}},
		Before:  situation(r), After: situation(r),
	}
}

func policyAction(prefix, policy string) string {
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		return prefix + "Retain"
	case "Snapshot":
		return prefix + "Snapshot"
	}
	return prefix + "Delete"
}

// situation is a resource as BeforeContext and AfterContext show it.
func situation(r *resource) string {
	context := map[string]any{"Properties": named(r.Properties)}
	if r.Metadata != nil {
		context["Metadata"] = r.Metadata
	}
	text, _ := json.Marshal(context)
	return string(text)
}

// modification compares a resource with its new definition.
func (p *planner) modification(current, wanted *resource) (change, bool) {
	c := change{
		Action: "Modify", LogicalID: current.LogicalID, PhysicalID: current.PhysicalID, Type: current.Type,
		Replacement: "False", Before: situation(current), After: situation(wanted),
	}
	for _, name := range changedProperties(current.Properties, wanted.Properties) {
		c.Details = append(c.Details, p.details(current, wanted, name)...)
	}
	if !slices.Equal(current.Tags, wanted.Tags) {
		c.Details = append(c.Details, direct("Tags"))
	}
	if !template.Equal(current.Metadata, wanted.Metadata) {
		c.Details = append(c.Details, direct("Metadata"))
	}
	if current.DeletionPolicy != wanted.DeletionPolicy {
		c.Details = append(c.Details, direct("DeletionPolicy"))
	}
	if current.UpdateReplacePolicy != wanted.UpdateReplacePolicy {
		c.Details = append(c.Details, direct("UpdateReplacePolicy"))
	}
	c.conclude(wanted)
	return c, len(c.Details) > 0
}

func direct(attribute string) detail {
	return detail{Attribute: attribute, Recreation: "Never", Evaluation: "Static", Source: "DirectModification", Kind: "Modify"}
}

// conclude derives scope, replacement and policy from the details.
func (ch *change) conclude(wanted *resource) {
	for _, d := range ch.Details {
		if !slices.Contains(ch.Scope, d.Attribute) {
			ch.Scope = append(ch.Scope, d.Attribute)
		}
		switch {
		case d.Recreation == "Always" && d.Evaluation == "Static":
			ch.Replacement = "True"
		case d.Recreation != "Never" && ch.Replacement == "False":
			ch.Replacement = "Conditional"
		}
	}
	if ch.Replacement == "True" {
		ch.PolicyAction = policyAction("ReplaceAnd", wanted.UpdateReplacePolicy)
	}
}

// details explains the change of one property.
func (p *planner) details(current, wanted *resource, name string) []detail {
	before, existed := current.Properties[name]
	after, exists := wanted.Properties[name]
	d := detail{
		Attribute: "Properties", Name: name, Recreation: "Never", Evaluation: "Static", Kind: "Modify",
		Before: shown(before), After: shown(after),
	}
	switch {
	case !existed:
		d.Kind = "Add"
	case !exists:
		d.Kind = "Remove"
	}
	d.Recreation = string(kinds.Replaces(current.Type, name))
	if template.IsUnknown(after) {
		d.Evaluation = "Dynamic"
	}
	return p.sources(d, current.LogicalID)
}

// sources finds what changes a property: the template, a parameter, or another
// resource.
func (p *planner) sources(d detail, id string) []detail {
	var result []detail
	add := func(source, cause, evaluation string) {
		d.Source, d.Cause, d.Evaluation = source, cause, evaluation
		result = append(result, d)
	}
	evaluation := d.Evaluation
	raw := p.to.Resources[id].Properties[d.Name]
	for _, r := range template.References(raw, p.to.conditions) {
		switch {
		case p.argumentChanged(r.Name):
			add("ParameterReference", r.Name, "Static")
		case p.unknown[r.Name] && r.Attribute == "":
			add("ResourceReference", r.Name, "Dynamic")
		case p.unknown[r.Name] || p.changing[r.Name]:
			add("ResourceAttribute", r.Name+"."+r.Attribute, "Dynamic")
		}
	}
	if p.from == nil || !template.Equal(p.from.Resources[id].Properties[d.Name], raw) || len(result) == 0 {
		add("DirectModification", "", evaluation)
	}
	return result
}

func (p *planner) argumentChanged(name string) bool {
	if _, declared := p.to.Parameters[name]; !declared || p.from == nil {
		return false
	}
	return effective(p.stack.Version, name) != effective(p.to.version, name)
}

func effective(v version, name string) string {
	for _, a := range v.Arguments {
		if a.Key == name {
			return a.Effective()
		}
	}
	return ""
}

// shown writes a property's value: texts as they are, the rest as JSON.
func shown(value any) string {
	if value == nil {
		return ""
	}
	if text, ok := template.Text(named(value)); ok {
		return text
	}
	text, _ := json.Marshal(named(value))
	return string(text)
}
