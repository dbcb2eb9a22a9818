package cloudformation

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

func (e *Engine) createChangeSet(ctx context.Context, c call) (node, error) {
	cs, err := c.newChangeSet()
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	s, existing, err := e.changeSetTarget(c, cs)
	var previous *version
	if s != nil && cs.Type == "UPDATE" {
		v := s.Version
		previous = &v
	}
	e.mu.Unlock()
	if err != nil {
		return node{}, err
	}
	if existing != nil {
		return changeSetIDs(s, existing), nil
	}
	var refused *template.TransformError
	if cs.Version, err = e.prepare(ctx, c, previous); errors.As(err, &refused) {
		cs.Refused = refused.Error()
	} else if err != nil {
		return node{}, err
	}
	return e.addChangeSet(c, cs)
}

// newChangeSet reads a change set from a call.
func (c call) newChangeSet() (*changeSet, error) {
	stack, err := c.form.require("StackName")
	if err != nil {
		return nil, err
	}
	cs := &changeSet{
		Type: c.form.text("ChangeSetType"), Description: c.form.text("Description"), Token: c.form.text("ClientToken"),
		Nested: c.form.flag("IncludeNestedStacks"), OnFailure: c.form.text("OnStackFailure"), Caller: c.caller,
		Unchecked: c.form.flag("DisableValidation"), Importing: c.form.flag("ImportExistingResources"),
	}
	if cs.Name, err = c.form.require("ChangeSetName"); err != nil {
		return nil, err
	}
	if !stackName.MatchString(cs.Name) {
		return nil, invalidf("1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", cs.Name)
	}
	switch {
	case cs.Type == "IMPORT" || len(c.form.members("ResourcesToImport")) > 0:
		return nil, invalidf("The simulator does not support change sets of type IMPORT (cdk import): import resources with a custom name into stack %s with cdk deploy --import-existing-resources", stack)
	case cs.OnFailure == "DELETE" && cs.Type != "CREATE":
		return nil, invalidf("OnStackFailure DELETE is only valid for change sets of type CREATE.")
	case cs.Type == "":
		cs.Type = "UPDATE"
	}
	return cs, nil
}

// changeSetTarget finds the stack, which may be nil for a new one, and a
// change set that the same call made already. The caller holds the lock.
func (e *Engine) changeSetTarget(c call, cs *changeSet) (*stack, *changeSet, error) {
	name := c.form.text("StackName")
	s := e.find(c.Scope, name)
	if s != nil && !s.live() {
		s = nil
	}
	switch {
	case s == nil && cs.Type == "UPDATE":
		return nil, nil, invalidf(absentStack, name)
	case s == nil:
		return nil, nil, checkStackName(name)
	}
	for _, other := range s.ChangeSets {
		switch {
		case other.Name != cs.Name:
		case other.Token == cs.Token && cs.Token != "":
			return s, other, nil
		default:
			return nil, nil, refusal("AlreadyExistsException",
				"ChangeSet %s cannot be created due to a mismatch with existing attribute ClientToken", cs.Name)
		}
	}
	if cs.Type == "CREATE" && s.Status != "REVIEW_IN_PROGRESS" {
		return nil, nil, invalidf("Stack [%s] already exists and cannot be created again with the changeSet [%s].", s.Name, cs.Name)
	}
	if cs.Type == "UPDATE" {
		return s, nil, s.checkUpdatable(true, "create-change-set")
	}
	return s, nil, nil
}

// addChangeSet keeps a change set whose version was checked. A new stack is
// made for it where it needs one.
func (e *Engine) addChangeSet(c call, cs *changeSet) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, existing, err := e.changeSetTarget(c, cs)
	if err != nil {
		return node{}, err
	}
	if existing != nil {
		return changeSetIDs(s, existing), nil
	}
	if cs.Refused == "" {
		if _, err := e.compile(&stack{Scope: c.Scope, Name: c.form.text("StackName")}, cs.Version); err != nil {
			return node{}, err
		}
	}
	cs.Created = e.host.Now().UTC()
	if s == nil {
		s = e.newStack(c.Scope, c.form.text("StackName"))
		e.become(s, "REVIEW_IN_PROGRESS", "User Initiated")
	}
	cs.ID, cs.OperationID = arnOf(c.Scope, "changeSet", cs.Name, e.newID()), e.newID()
	e.review(s, cs)
	return changeSetIDs(s, cs), nil
}

func changeSetIDs(s *stack, cs *changeSet) node {
	return fields(text("Id", cs.ID), text("StackId", s.ID))
}
