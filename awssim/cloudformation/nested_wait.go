package cloudformation

import (
	"context"
	"fmt"
	"strings"
)

// awaitNested waits for a nested stack's creation or update and takes over its
// outputs. When the parent is cancelled, so is the nested stack.
func (e *Engine) awaitNested(ctx context.Context, r *resource) error {
	e.mu.Lock()
	child := e.state.Stacks[r.PhysicalID]
	e.mu.Unlock()
	if child == nil {
		return fmt.Errorf("Embedded stack %s does not exist", r.PhysicalID)
	}
	cancelled := e.await(ctx, func() bool { return child.Operation == nil || child.failing() })
	if e.closed() {
		return errClosed
	}
	if cancelled != nil {
		e.mu.Lock()
		if child.Operation != nil {
			child.Operation.interrupt()
		}
		e.mu.Unlock()
		_ = e.await(e.ctx, func() bool { return child.Operation == nil })
		return cancelled
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return child.outcome(r)
}

// failing reports whether the stack is already rolling back.
func (s *stack) failing() bool { return strings.Contains(s.Status, "ROLLBACK") }

// outcome turns the end of a nested stack into that of its resource.
func (s *stack) outcome(r *resource) error {
	switch s.Status {
	case "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		r.Attributes = make(map[string]any, len(s.Outputs))
		for _, o := range s.Outputs {
			r.Attributes["Outputs."+o.Key] = o.Value
		}
		return nil
	case "CREATE_FAILED":
		return fmt.Errorf("Embedded stack %s was not successfully created: %s", s.ID, s.Reason)
	}
	return fmt.Errorf("Embedded stack %s was not successfully updated. Currently in %s with reason: %s", s.ID, s.Status, s.Reason)
}

// deployUnchanged checks an unchanged resource: the template of a nested
// stack may have changed at the same URL.
func (e *Engine) deployUnchanged(ctx context.Context, s *stack, r *resource) error {
	if r.Type != stackType {
		return nil
	}
	url, _ := r.Properties["TemplateURL"].(string)
	body, err := e.fetch(ctx, s.Scope, s.Version.actor(), url)
	e.mu.Lock()
	child := e.state.Stacks[r.PhysicalID]
	if err == nil && child != nil && child.Version.Template == body {
		e.mu.Unlock()
		return nil
	}
	st := step{verb: "UPDATE", record: r, wanted: *r}
	e.markBegun(s, r, "UPDATE_IN_PROGRESS")
	e.mu.Unlock()
	if err == nil {
		err = e.perform(ctx, s, st)
	}
	return e.end(ctx, s, st, err)
}

// deleteNested deletes a nested stack and waits for it.
func (e *Engine) deleteNested(ctx context.Context, s *stack, r *resource) error {
	e.mu.Lock()
	child := e.state.Stacks[r.PhysicalID]
	if child != nil && child.live() && child.Operation == nil {
		op := &operation{
			Kind: deleteStack, Token: s.Operation.Token, Phase: removing, Before: child.Status, Force: s.Operation.Force,
		}
		e.launch(child, op, "DELETE_IN_PROGRESS", "")
	}
	e.mu.Unlock()
	if child == nil {
		return nil
	}
	if err := e.await(ctx, func() bool { return child.Operation == nil }); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if child.live() {
		return fmt.Errorf("Embedded stack %s was not successfully deleted: %s", child.ID, child.Reason)
	}
	return nil
}

// undoNested rolls a nested stack back, with its record in the parent.
func (e *Engine) undoNested(ctx context.Context, s *stack, now, before *resource) error {
	e.mu.Lock()
	child := e.state.Stacks[now.PhysicalID]
	touched := now.Status == "UPDATE_FAILED" || now.Status == "UPDATE_IN_PROGRESS" || child != nil && child.Stable != nil
	if child == nil || !touched {
		*now = *before
		e.mu.Unlock()
		return nil
	}
	e.markBegun(s, now, "UPDATE_IN_PROGRESS")
	if child.Operation == nil && child.Stable != nil {
		e.launch(child, &operation{
			Kind: rollBackStack, Token: s.Operation.Token, Phase: undoingUpdate, Nested: true,
			Skip: nestedSkips(s.Operation.Skip, now.LogicalID), Force: s.Operation.Force,
		}, "UPDATE_ROLLBACK_IN_PROGRESS", "")
	}
	e.mu.Unlock()
	err := e.await(ctx, func() bool { return child.Operation == nil })
	e.mu.Lock()
	if err == nil && child.Status == "UPDATE_ROLLBACK_FAILED" {
		err = fmt.Errorf("Embedded stack %s was not successfully rolled back: %s", child.ID, child.Reason)
	}
	if err == nil {
		status := now.Status
		*now = *before
		now.Status = status
	}
	e.mu.Unlock()
	return e.endUndo(s, now, err)
}

// nestedSkips are the skipped resources of a nested stack: Nested.Resource.
func nestedSkips(skip []string, logicalID string) []string {
	var result []string
	for _, name := range skip {
		if rest, ok := strings.CutPrefix(name, logicalID+"."); ok {
			result = append(result, rest)
		}
	}
	return result
}

// settleNested lets the nested stacks whose update waits for its parent's do
// what is left, all at the same time.
func (e *Engine) settleNested(ctx context.Context, s *stack, launch func(parent, child *stack)) {
	e.mu.Lock()
	var children []*stack
	for _, id := range sortedKeys(s.Resources) {
		r := s.Resources[id]
		child := e.state.Stacks[r.PhysicalID]
		if r.Type != stackType || child == nil || child.Stable == nil {
			continue
		}
		if child.Operation == nil {
			launch(s, child)
		}
		children = append(children, child)
	}
	e.mu.Unlock()
	for _, child := range children {
		_ = e.await(ctx, func() bool { return child.Operation == nil })
	}
}

// cleanUpChild starts the cleanup of a nested stack. The caller holds the lock.
func (e *Engine) cleanUpChild(parent, child *stack) {
	e.launch(child, &operation{Kind: updateStack, Token: parent.Operation.Token, Phase: cleaning, Nested: true},
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
}

// releaseNested ends the waiting of nested stacks whose parent stays in a
// failed state. They can still be rolled back later. The caller holds the lock.
func (e *Engine) releaseNested(s *stack) {
	for _, r := range s.Resources {
		child := e.state.Stacks[r.PhysicalID]
		if r.Type == stackType && child != nil && child.Operation == nil && child.Stable != nil && inProgress(child.Status) {
			e.become(child, "UPDATE_COMPLETE", "")
		}
	}
}
