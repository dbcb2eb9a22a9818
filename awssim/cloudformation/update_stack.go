package cloudformation

import (
	"context"
	"slices"
)

// updatable are the states from which an update may start.
var updatable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}

// checkUpdatable refuses updates of stacks that are not in a state for it. The
// verb is that of the API, for its advice.
func (s *stack) checkUpdatable(disableRollback bool, verb string) error {
	switch {
	case slices.Contains(updatable, s.Status) && s.Operation == nil, s.paused() && disableRollback:
		return nil
	case s.paused():
		return invalidf("This stack is currently in a non-terminal [%s] state. To update the stack from this state, "+
			"please use the disable-rollback parameter with %s API. To rollback to the last known good state, "+
			"use the rollback-stack API", s.Status, verb)
	}
	return s.notUpdatable()
}

// paused reports whether an operation failed and left things as they were, to be
// tried again or rolled back.
func (s *stack) paused() bool { return s.Status == "CREATE_FAILED" || s.Status == "UPDATE_FAILED" }

func (s *stack) notUpdatable() error {
	return invalidf("Stack:%s is in %s state and can not be updated.", s.ID, s.Status)
}

func (e *Engine) updateStack(ctx context.Context, c call) (node, error) {
	e.mu.Lock()
	s, previous, done, err := e.updateTarget(c)
	e.mu.Unlock()
	if err != nil || done {
		return stackIDOf(s), err
	}
	v, err := e.prepare(ctx, c, &previous)
	if err != nil {
		return node{}, err
	}
	found, err := e.planChanges(ctx, s, v, &changeSet{})
	if err != nil {
		return node{}, err
	}
	if found.Nothing {
		return node{}, invalidf(noUpdates)
	}
	onFailure, err := c.onFailure("OnStackFailure")
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.checkUpdatable(c.form.flag("DisableRollback"), "update-stack"); err != nil {
		return node{}, err
	}
	e.obsolete(s)
	e.beginUpdate(s, v)
	e.begin(s, c, &operation{Kind: updateStack, Phase: deploying, OnFailure: onFailure}, "UPDATE_IN_PROGRESS")
	return fields(text("StackId", s.ID), text("OperationId", s.Operation.ID)), nil
}

// updateTarget finds the stack to update and says whether the call was done
// already. The caller holds the lock.
func (e *Engine) updateTarget(c call) (*stack, version, bool, error) {
	s, err := e.needLive(c)
	if err != nil {
		return nil, version{}, false, err
	}
	if again, err := s.repeated(c, updateStack); again || err != nil {
		return s, version{}, again, err
	}
	return s, s.Version, false, s.checkUpdatable(c.form.flag("DisableRollback"), "update-stack")
}

func stackIDOf(s *stack) node {
	if s == nil {
		return node{}
	}
	return stackID(s)
}

// beginUpdate gives a stack a new version, and keeps what it can go back to.
// The caller holds the lock.
func (e *Engine) beginUpdate(s *stack, v version) {
	if s.Stable == nil && slices.Contains(updatable, s.Status) {
		s.Stable = &checkpoint{
			Status: s.Status, Version: s.Version, Outputs: s.Outputs, Imports: slices.Clone(s.Imports),
			Resources: copies(s.Resources),
		}
	}
	s.Version, s.Updated = v, e.host.Now().UTC()
}

// obsolete takes the change sets of a stack that is changed without them. The
// caller holds the lock.
func (e *Engine) obsolete(s *stack) {
	for _, cs := range s.ChangeSets {
		if cs.Execution == "AVAILABLE" {
			cs.Execution = "OBSOLETE"
		}
	}
}
