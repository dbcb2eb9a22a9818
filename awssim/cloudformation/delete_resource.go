package cloudformation

import (
	"context"
	"errors"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// deleteResources deletes resources, each after its dependents. It continues
// after failures and returns the logical ids of what failed.
func (e *Engine) deleteResources(ctx context.Context, s *stack, victims []*resource, skip func(*resource) bool) []string {
	byKey := make(map[string]*resource, len(victims))
	for _, r := range victims {
		byKey[r.key()] = r
	}
	failed := walk(ctx, deletionOrder(byKey), true, func(ctx context.Context, key string) error {
		r := byKey[key]
		if skip(r) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.mark(s, r, "DELETE_SKIPPED", "")
			e.leave(s, r)
			return nil
		}
		return e.deleteResource(ctx, s, r)
	})
	for i, key := range failed {
		failed[i] = byKey[key].LogicalID
	}
	return slices.Compact(failed)
}

// key distinguishes the physical resources of one logical id.
func (r *resource) key() string { return r.LogicalID + " " + r.PhysicalID }

// deletionOrder returns the resources that each deletion waits for. Resources of different
// versions may need each other in a circle: then the order of their names
// decides.
func deletionOrder(victims map[string]*resource) map[string][]string {
	needs := make(map[string][]string, len(victims))
	for key, r := range victims {
		needs[key] = nil
		for _, other := range sortedKeys(victims) {
			if other != key && slices.Contains(r.Needs, victims[other].LogicalID) {
				needs[key] = append(needs[key], other)
			}
		}
	}
	position := map[string]int{}
	for i, key := range template.Order(needs) {
		position[key] = i
	}
	for key := range needs {
		needs[key] = slices.DeleteFunc(needs[key], func(other string) bool { return position[other] > position[key] })
	}
	return template.Reverse(needs)
}

// deleteResource deletes one physical resource, if there is one.
func (e *Engine) deleteResource(ctx context.Context, s *stack, r *resource) error {
	e.mu.Lock()
	if r.PhysicalID == "" {
		e.mark(s, r, "DELETE_COMPLETE", "")
		e.mu.Unlock()
		return nil
	}
	e.markBegun(s, r, "DELETE_IN_PROGRESS")
	e.mu.Unlock()
	err := e.performDeletion(ctx, s, r)
	if e.closed() {
		return errClosed
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil:
		e.mark(s, r, "DELETE_COMPLETE", "")
		return nil
	case s.Operation.Force:
		e.mark(s, r, "DELETE_SKIPPED", err.Error())
		e.leave(s, r)
		return nil
	}
	e.mark(s, r, "DELETE_FAILED", err.Error())
	return err
}

func (e *Engine) performDeletion(ctx context.Context, s *stack, r *resource) error {
	delay, failure, _ := e.fault(s, r, "DELETE")
	if r.Type == stackType {
		if failure != nil {
			return failure
		}
		return e.deleteNested(ctx, s, r)
	}
	duration := delay + e.options.ResourceTime(r.Type, r.LogicalID)
	if err := e.sleep(ctx, e.remaining(r, duration)); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	err := e.host.Delete(ctx, ResourceRequest{
		Scope: s.Scope, StackName: s.Name, StackID: s.ID, LogicalID: r.LogicalID, Type: r.Type,
		PhysicalID: r.PhysicalID, Old: r.Properties, Tags: tagMap(r.Tags), RoleARN: s.Version.RoleARN,
	})
	if errors.Is(err, ErrGeneric) {
		return nil
	}
	return err
}

// kept reports whether a policy retains the physical resource.
func kept(r *resource) bool {
	return r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate"
}
