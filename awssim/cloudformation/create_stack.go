package cloudformation

import (
	"context"
	"regexp"
)

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkStackName(name string) error {
	if stackName.MatchString(name) && len(name) <= 128 {
		return nil
	}
	return invalidf("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: "+
		"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
}

func (e *Engine) createStack(ctx context.Context, c call) (node, error) {
	name, err := c.form.require("StackName")
	if err != nil {
		return node{}, err
	}
	if err := checkStackName(name); err != nil {
		return node{}, err
	}
	onFailure, err := c.onFailure("OnFailure")
	if err != nil {
		return node{}, err
	}
	v, err := e.prepare(ctx, c, nil)
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.live[liveName{c.Scope, name}]; s != nil {
		if again, err := s.repeated(c, createStack); again || err != nil {
			return stackID(s), err
		}
		return node{}, refusal("AlreadyExistsException", "Stack [%s] already exists", name)
	}
	if _, err := e.compile(&stack{Scope: c.Scope, Name: name}, v); err != nil {
		return node{}, err
	}
	s := e.newStack(c.Scope, name)
	s.Version, s.Protected = v, c.form.flag("EnableTerminationProtection")
	e.begin(s, c, &operation{Kind: createStack, Phase: deploying, OnFailure: onFailure}, "CREATE_IN_PROGRESS")
	return fields(text("StackId", s.ID), text("OperationId", s.Operation.ID)), nil
}

// begin starts an operation requested by a caller.
func (e *Engine) begin(s *stack, c call, op *operation, status string) {
	op.Token = c.form.text("ClientRequestToken")
	s.RetainOnCreate = c.form.flag("RetainExceptOnCreate")
	if op.Phase == deploying {
		s.DisableRollback = !op.rollsBack()
	}
	e.launch(s, op, status, "User Initiated")
}

// onFailure reads what happens after a failure: ROLLBACK, DO_NOTHING or
// DELETE. DisableRollback is the same as DO_NOTHING.
func (c call) onFailure(name string) (string, error) {
	wanted := c.form.text(name)
	switch {
	case wanted != "" && c.form.has("DisableRollback"):
		return "", invalidf("You must specify either %s or DisableRollback, but not both", name)
	case wanted != "":
		return wanted, nil
	case c.form.flag("DisableRollback"):
		return "DO_NOTHING", nil
	}
	return "ROLLBACK", nil
}
