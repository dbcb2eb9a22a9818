package cloudformation

import (
	"context"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

func (e *Engine) describeChangeSet(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(c)
	if err != nil {
		return node{}, err
	}
	from, to, next, err := e.page(len(cs.Changes), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	values := c.form.flag("IncludePropertyValues")
	members := append(
		cs.identity(s),
		optional("StatusReason", cs.Reason),
		optional("OnStackFailure", cs.OnFailure),
		optionalList("Parameters", cs.Version.Arguments, argument),
		textList("NotificationARNs", cs.Version.Notifications),
		textList("Capabilities", cs.Version.Capabilities),
		list("Tags", cs.Version.Tags, tagNode),
		cs.Version.Rollback.field(),
		list("Changes", cs.Changes[from:to], func(ch change) node { return ch.node(values) }),
		optional("NextToken", next),
	)
	return fields(members...), nil
}

func (ch change) node(values bool) node {
	members := []field{
		text("Action", ch.Action), text("LogicalResourceId", ch.LogicalID), optional("PhysicalResourceId", ch.PhysicalID),
		text("ResourceType", ch.Type), optional("Replacement", ch.Replacement), optional("PolicyAction", ch.PolicyAction),
		textList("Scope", ch.Scope), list("Details", ch.Details, func(d detail) node { return d.node(values) }),
		optional("ChangeSetId", ch.ChangeSetID),
	}
	if values {
		members = append(members, optional("BeforeContext", ch.Before), optional("AfterContext", ch.After))
	}
	return fields(text("Type", "Resource"), group("ResourceChange", members...))
}

func (d detail) node(values bool) node {
	target := []field{
		text("Attribute", d.Attribute), optional("Name", d.Name), text("RequiresRecreation", d.Recreation),
	}
	if values && d.Name != "" {
		target = append(target, text("Path", "/Properties/"+d.Name), optional("BeforeValue", d.Before),
			optional("AfterValue", d.After), optional("AttributeChangeType", d.Kind))
	}
	return fields(group("Target", target...), text("Evaluation", d.Evaluation), text("ChangeSource", d.Source),
		optional("CausingEntity", d.Cause))
}

func argument(v template.Value) node {
	value, resolved := v.Value, v.Resolved
	if v.Secret {
		value, resolved = "****", ""
	}
	return fields(text("ParameterKey", v.Key), text("ParameterValue", value), optional("ResolvedValue", resolved))
}

func tagNode(t tag) node { return fields(text("Key", t.Key), text("Value", t.Value)) }
