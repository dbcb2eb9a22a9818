package cloudformation

import (
	"context"
	"errors"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// undoCreation deletes everything that a failed creation created.
func (e *Engine) undoCreation(ctx context.Context, s *stack) {
	_ = e.sleep(ctx, e.options.Tick)
	e.mu.Lock()
	victims := s.remaining()
	e.mu.Unlock()
	failed := e.deleteResources(ctx, s, victims, s.keptOnCreate)
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Outputs, s.Imports, s.Retired = nil, nil, nil
	if len(failed) > 0 {
		e.finish(s, "ROLLBACK_FAILED", failureReason("delete", failed))
		return
	}
	e.finish(s, "ROLLBACK_COMPLETE", "")
}

// keptOnCreate reports whether a resource that a failed operation created is left
// alone: one that it imported, and one that it made if its policy is a plain
// Retain, unless the caller wanted otherwise.
func (s *stack) keptOnCreate(r *resource) bool {
	return r.Imported || !s.RetainOnCreate && r.DeletionPolicy == "Retain" && r.PhysicalID != ""
}

// undoUpdate restores the resources of the stable version.
func (e *Engine) undoUpdate(ctx context.Context, s *stack) {
	_ = e.sleep(ctx, e.options.Tick)
	e.mu.Lock()
	needs := make(map[string][]string, len(s.Stable.Resources))
	for id, r := range s.Stable.Resources {
		needs[id] = r.Needs
	}
	e.mu.Unlock()
	failed := walk(ctx, needs, true, func(ctx context.Context, id string) error {
		return e.undoResource(ctx, s, id)
	})
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(failed) > 0 {
		e.finish(s, "UPDATE_ROLLBACK_FAILED", failureReason("update", failed))
		return
	}
	e.start(s, cleaningRollback, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")
}

// undoResource restores one resource.
func (e *Engine) undoResource(ctx context.Context, s *stack, id string) error {
	e.mu.Lock()
	before, now := s.Stable.Resources[id], s.Resources[id]
	switch {
	case now == nil || now.PhysicalID != before.PhysicalID:
		e.restore(s, before)
		e.mu.Unlock()
		return nil
	case before.Type == stackType:
		e.mu.Unlock()
		return e.undoNested(ctx, s, now, before)
	case sameProperties(before, now) && now.Status != "UPDATE_FAILED" && now.Status != "UPDATE_IN_PROGRESS":
		*now = *before
		e.mu.Unlock()
		return nil
	}
	if slices.Contains(s.Operation.Skip, id) {
		*now = *before
		e.mark(s, now, "UPDATE_COMPLETE", "Resource skipped during UpdateRollback")
		e.mu.Unlock()
		return nil
	}
	e.markBegun(s, now, "UPDATE_IN_PROGRESS")
	e.mu.Unlock()
	return e.endUndo(s, now, e.performUndo(ctx, s, now, before))
}

// restore makes a retired resource current again; its replacement is
// retired. The caller holds the lock.
func (e *Engine) restore(s *stack, before *resource) {
	id := before.LogicalID
	if now := s.Resources[id]; now != nil && now.PhysicalID != "" {
		s.retire(*now, "Delete")
	}
	s.Retired = slices.DeleteFunc(s.Retired, func(r *resource) bool { return r.key() == before.key() })
	record := *before
	s.Resources[id] = &record
	e.mark(s, &record, "UPDATE_COMPLETE", "")
}

func (e *Engine) performUndo(ctx context.Context, s *stack, now, before *resource) error {
	delay, failure, _ := e.fault(s, now, "UPDATE")
	duration := delay + e.options.ResourceTime(now.Type, now.LogicalID)
	if err := e.sleep(ctx, e.remaining(now, duration)); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	properties, err := e.resolved(s.Scope, before.Properties)
	if err != nil {
		return err
	}
	identity, err := e.host.Update(ctx, ResourceRequest{
		Scope: s.Scope, StackName: s.Name, StackID: s.ID, LogicalID: now.LogicalID, Type: now.Type,
		PhysicalID: now.PhysicalID, Properties: properties, Old: now.Properties,
		Tags: tagMap(before.Tags), RoleARN: s.Version.RoleARN,
	})
	if err != nil && !errors.Is(err, ErrGeneric) {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	status, reason := now.Status, now.Reason
	*now = *before
	now.Status, now.Reason = status, reason
	if identity.Attributes != nil {
		now.Attributes = identity.Attributes
	}
	return nil
}

func (e *Engine) endUndo(s *stack, r *resource, err error) error {
	if e.closed() {
		return errClosed
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil && s.Operation.Force:
		e.mark(s, r, "UPDATE_COMPLETE", "Resource skipped during UpdateRollback")
		return nil
	case err != nil:
		e.mark(s, r, "UPDATE_FAILED", err.Error())
		return err
	}
	e.mark(s, r, "UPDATE_COMPLETE", "")
	return nil
}

// cleanUpRollback deletes what the failed update made, and ends in the stable
// version.
func (e *Engine) cleanUpRollback(ctx context.Context, s *stack) {
	_ = e.sleep(ctx, e.options.Tick)
	e.mu.Lock()
	victims := slices.Clone(s.Retired)
	for _, id := range sortedKeys(s.Resources) {
		if s.Stable.Resources[id] == nil {
			victims = append(victims, s.Resources[id])
		}
	}
	e.mu.Unlock()
	e.deleteResources(ctx, s, victims, s.keptOnCreate)
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.forget(victims)
	stable := s.Stable
	s.Version, s.Outputs, s.Imports, s.Stable = stable.Version, stable.Outputs, stable.Imports, nil
	if parsed, err := template.Parse(s.Version.text()); err == nil {
		s.Description = parsed.Description
	}
	e.finish(s, "UPDATE_ROLLBACK_COMPLETE", "")
}
