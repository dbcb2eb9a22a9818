package cloudformation

import (
	"context"
	"slices"
)

// cleanUp deletes what an update removed or replaced. A failed deletion does not fail the
// update.
func (e *Engine) cleanUp(ctx context.Context, s *stack) {
	_ = e.sleep(ctx, e.options.Tick)
	e.settleNested(ctx, s, e.cleanUpChild)
	e.mu.Lock()
	victims, err := e.leftOver(s)
	if err != nil {
		e.finish(s, "UPDATE_COMPLETE", err.Error())
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	e.deleteResources(ctx, s, victims, kept)
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.forget(victims)
	s.Stable = nil
	e.finish(s, "UPDATE_COMPLETE", "")
}

// leftOver are the resources that the version of a stack does not have. The
// caller holds the lock.
func (e *Engine) leftOver(s *stack) ([]*resource, error) {
	c, err := e.compile(s, s.Version)
	if err != nil {
		return nil, err
	}
	victims := slices.Clone(s.Retired)
	for _, id := range sortedKeys(s.Resources) {
		if !c.Active(id, c.conditions) {
			victims = append(victims, s.Resources[id])
		}
	}
	return victims, nil
}

// forget drops resources that no longer belong to the stack.
func (s *stack) forget(victims []*resource) {
	for _, r := range victims {
		if s.Resources[r.LogicalID] == r {
			delete(s.Resources, r.LogicalID)
		}
	}
	s.Retired = nil
}

// remove deletes a whole stack.
func (e *Engine) remove(ctx context.Context, s *stack) {
	_ = e.sleep(ctx, e.options.Tick)
	e.mu.Lock()
	if err := e.checkUnused(s); err != nil {
		e.finish(s, s.Operation.Before, err.Error())
		e.mu.Unlock()
		return
	}
	victims := s.remaining()
	e.mu.Unlock()
	op := s.Operation
	failed := e.deleteResources(ctx, s, victims, func(r *resource) bool {
		return slices.Contains(op.Retain, r.LogicalID) || kept(r)
	})
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(failed) > 0 {
		e.finish(s, "DELETE_FAILED", failureReason("delete", failed))
		return
	}
	e.bury(s)
}

// bury marks a stack as deleted: from now on it is found by its ARN only. The caller
// holds the lock.
func (e *Engine) bury(s *stack) {
	delete(e.live, liveName{s.Scope, s.Name})
	e.buryReviews(s)
	s.Outputs, s.Imports, s.Retired, s.Stable, s.ChangeSets = nil, nil, nil, nil, nil
	e.finish(s, "DELETE_COMPLETE", "")
	s.Deleted = s.Events[len(s.Events)-1].Time
}

// remaining are all physical resources of a stack.
func (s *stack) remaining() []*resource {
	victims := slices.Clone(s.Retired)
	for _, id := range sortedKeys(s.Resources) {
		if !s.Resources[id].gone() {
			victims = append(victims, s.Resources[id])
		}
	}
	return victims
}

// checkUnused refuses to delete a stack whose exports are in use. The caller
// holds the lock.
func (e *Engine) checkUnused(s *stack) error {
	for _, o := range s.Outputs {
		users := slices.DeleteFunc(e.importers(s.Scope, o.Export), func(name string) bool { return name == s.Name })
		if o.Export != "" && len(users) > 0 {
			return inUse(o.Export, users)
		}
	}
	return nil
}
