package cloudformation

import (
	"context"
	"strings"
)

// rollbackStack takes a stack whose operation failed and stopped back to its
// last stable state.
func (e *Engine) rollbackStack(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, done, err := e.rollbackTarget(c, rollBackStack)
	if err != nil || done {
		return stackIDOf(s), err
	}
	switch {
	case s.Status == "CREATE_FAILED", s.Status == "UPDATE_FAILED" && s.Stable == nil:
		e.begin(s, c, &operation{Kind: rollBackStack, Phase: undoingCreation}, "ROLLBACK_IN_PROGRESS")
	case s.Status == "UPDATE_FAILED":
		e.begin(s, c, &operation{Kind: rollBackStack, Phase: undoingUpdate}, "UPDATE_ROLLBACK_IN_PROGRESS")
	default:
		return node{}, invalidf("Stack:%s is in %s state and can not be rolled back.", s.ID, s.Status)
	}
	return fields(text("StackId", s.ID), text("OperationId", s.Operation.ID)), nil
}

// continueUpdateRollback tries a failed rollback again.
func (e *Engine) continueUpdateRollback(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, done, err := e.rollbackTarget(c, continueRollback)
	if err != nil || done {
		return node{}, err
	}
	if s.Status != "UPDATE_ROLLBACK_FAILED" {
		return node{}, invalidf("Stack:%s is in %s state and can not continue update rollback.", s.ID, s.Status)
	}
	op := &operation{
		Kind: continueRollback, Phase: undoingUpdate, Skip: c.form.texts("ResourcesToSkip"), Force: c.form.flag("ForceRollback"),
	}
	for _, id := range op.Skip {
		if r := s.Resources[id]; !strings.Contains(id, ".") && (r == nil || r.Status != "UPDATE_FAILED") {
			return node{}, invalidf("Invalid ResourcesToSkip: [%s] is not a resource that failed to roll back.", id)
		}
	}
	e.begin(s, c, op, "UPDATE_ROLLBACK_IN_PROGRESS")
	return node{}, nil
}

// rollbackTarget finds the stack and takes over the role of the call. The
// caller holds the lock.
func (e *Engine) rollbackTarget(c call, kind string) (*stack, bool, error) {
	s, err := e.needLive(c)
	if err != nil {
		return nil, false, err
	}
	again, err := s.repeated(c, kind)
	if err != nil || again {
		return s, again, err
	}
	if role := c.form.text("RoleARN"); role != "" && s.Operation == nil {
		s.Version.RoleARN = role
	}
	return s, false, nil
}

// cancelUpdateStack interrupts an update, which then rolls back.
func (e *Engine) cancelUpdateStack(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.needLive(c)
	if err != nil {
		return node{}, err
	}
	if again, err := s.repeated(c, cancelUpdate); again || err != nil {
		return node{}, err
	}
	if s.Status != "UPDATE_IN_PROGRESS" || s.Operation == nil {
		return node{}, invalidf("CancelUpdateStack cannot be called from current stack status")
	}
	if token := c.form.text("ClientRequestToken"); token != "" {
		s.Tokens[token], s.Operation.Token = cancelUpdate, token
	}
	s.Operation.OnFailure = "ROLLBACK"
	s.Operation.interrupt()
	return node{}, nil
}
