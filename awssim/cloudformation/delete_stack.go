package cloudformation

import (
	"context"
	"slices"
	"strings"
)

// deletable are the states in progress in which a stack can be deleted: the
// operation is interrupted.
var deletable = []string{"CREATE_IN_PROGRESS"}

func (e *Engine) deleteStack(_ context.Context, c call) (node, error) {
	name, err := c.form.require("StackName")
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(c.Scope, name)
	if s == nil || !s.live() || s.Status == "DELETE_IN_PROGRESS" {
		return node{}, nil
	}
	if again, err := s.repeated(c, deleteStack); again || err != nil {
		return node{}, err
	}
	if err := s.checkDeletable(c); err != nil {
		return node{}, err
	}
	if role := c.form.text("RoleARN"); role != "" {
		s.Version.RoleARN = role
	}
	s.DeletionMode = c.form.text("DeletionMode")
	op := &operation{
		Kind: deleteStack, Phase: removing, Before: s.Status, Retain: c.form.texts("RetainResources"),
		Token: c.form.text("ClientRequestToken"), Force: s.DeletionMode == "FORCE_DELETE_STACK",
	}
	if s.Operation != nil {
		s.Operation.Next = op
		s.Operation.interrupt()
		return node{}, nil
	}
	e.launch(s, op, "DELETE_IN_PROGRESS", "User Initiated")
	return node{}, nil
}

func (s *stack) checkDeletable(c call) error {
	switch {
	case s.Protected:
		return invalidf("Stack [%s] cannot be deleted while TerminationProtection is enabled", s.Name)
	case c.form.given("RetainResources") && len(c.form.texts("RetainResources")) > 0 && s.Status != "DELETE_FAILED":
		return invalidf("Invalid operation on stack [%s]. When you delete a stack, specify which resources to retain "+
			"only when the stack is in the DELETE_FAILED state.", s.ID)
	case s.Operation != nil && !slices.Contains(deletable, s.Status), inProgress(s.Status) && s.Operation == nil:
		return invalidf("Stack [%s] cannot be deleted while in status %s", s.ID, s.Status)
	}
	return nil
}

// buryQuietly removes a stack that was never created. The caller holds the lock.
func (e *Engine) buryQuietly(s *stack) {
	s.Operation = &operation{Kind: deleteStack}
	e.bury(s)
}

// buryReviews ends the nested stacks of change sets that were never
// executed. The caller holds the lock.
func (e *Engine) buryReviews(s *stack) {
	for _, id := range sortedKeys(e.state.Stacks) {
		child := e.state.Stacks[id]
		if child.Parent == s.ID && child.Status == "REVIEW_IN_PROGRESS" {
			e.buryReviews(child)
			e.buryQuietly(child)
		}
	}
}

func (e *Engine) updateTerminationProtection(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.needLive(c)
	if err != nil {
		return node{}, err
	}
	if s.Parent != "" {
		return node{}, invalidf("Termination protection cannot be changed on nested stack [%s]. Change it on the root stack.", s.ID)
	}
	s.Protected = strings.EqualFold(c.form.text("EnableTerminationProtection"), "true")
	return stackID(s), nil
}
