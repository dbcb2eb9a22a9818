package cloudformation

import (
	"context"
	"slices"
	"strings"
)

func (e *Engine) describeStacks(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.stacksOf(c.Scope, (*stack).live)
	if name := c.form.text("StackName"); name != "" {
		s := e.find(c.Scope, name)
		if s == nil {
			return node{}, invalidf(absentID, name)
		}
		found = []*stack{s}
	}
	from, to, next, err := e.page(len(found), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("Stacks", found[from:to], (*stack).node), optional("NextToken", next)), nil
}

// stacksOf lists the stacks of a scope, newest first. The caller holds the
// lock.
func (e *Engine) stacksOf(scope Scope, wanted func(*stack) bool) []*stack {
	var found []*stack
	for _, s := range e.state.Stacks {
		if s.Scope == scope && wanted(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *stack) int {
		if n := b.Created.Compare(a.Created); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found
}

func (s *stack) node() node {
	v := s.Version
	return fields(
		text("StackId", s.ID), text("StackName", s.Name), optional("ChangeSetId", s.ChangeSetID),
		optional("Description", s.Description), optionalList("Parameters", v.Arguments, argument),
		moment("CreationTime", s.Created), moment("LastUpdatedTime", s.Updated), moment("DeletionTime", s.Deleted),
		v.Rollback.field(), text("StackStatus", s.Status), optional("StackStatusReason", s.Reason),
		boolean("DisableRollback", s.DisableRollback), textList("NotificationARNs", v.Notifications),
		optionalList("Capabilities", v.Capabilities, plain),
		optionalList("Outputs", s.Outputs, outputNode), optional("RoleARN", v.RoleARN), list("Tags", v.Tags, tagNode),
		boolean("EnableTerminationProtection", s.Protected), optional("ParentId", s.Parent), optional("RootId", s.Root),
		unchecked("StackDriftStatus"), optional("DeletionMode", s.DeletionMode), s.operations(),
	)
}

func plain(value string) node { return node{text: value} }

// unchecked reports that drift was not checked.
func unchecked(status string) field { return group("DriftInformation", text(status, "NOT_CHECKED")) }

func (s *stack) operations() field {
	return optionalList("LastOperations", s.History[:min(len(s.History), 5)], func(p pastOperation) node {
		return fields(text("OperationType", p.Kind), text("OperationId", p.ID))
	})
}

func outputNode(o output) node {
	return fields(text("OutputKey", o.Key), text("OutputValue", o.Value), optional("Description", o.Description),
		optional("ExportName", o.Export))
}

func (e *Engine) listStacks(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	statuses := c.form.texts("StackStatusFilter")
	found := e.stacksOf(c.Scope, func(s *stack) bool { return len(statuses) == 0 || slices.Contains(statuses, s.Status) })
	from, to, next, err := e.page(len(found), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("StackSummaries", found[from:to], (*stack).summary), optional("NextToken", next)), nil
}

func (s *stack) summary() node {
	return fields(
		text("StackId", s.ID), text("StackName", s.Name), optional("TemplateDescription", s.Description),
		moment("CreationTime", s.Created), moment("LastUpdatedTime", s.Updated), moment("DeletionTime", s.Deleted),
		text("StackStatus", s.Status), optional("StackStatusReason", s.Reason), optional("ParentId", s.Parent),
		optional("RootId", s.Root), unchecked("StackDriftStatus"), s.operations(),
	)
}
