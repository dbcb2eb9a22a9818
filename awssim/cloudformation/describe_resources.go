package cloudformation

import (
	"context"
	"encoding/json"
)

func (s *stack) resources() []*resource {
	var result []*resource
	for _, id := range sortedKeys(s.Resources) {
		result = append(result, s.Resources[id])
	}
	return result
}

func (e *Engine) listStackResources(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.need(c, absentID)
	if err != nil {
		return node{}, err
	}
	all := s.resources()
	from, to, next, err := e.page(len(all), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("StackResourceSummaries", all[from:to], func(r *resource) node {
		return fields(append(r.members(), moment("LastUpdatedTimestamp", r.Changed))...)
	}), optional("NextToken", next)), nil
}

// members returns the common members of all responses about a resource.
func (r *resource) members() []field {
	return []field{
		text("LogicalResourceId", r.LogicalID), optional("PhysicalResourceId", r.PhysicalID), text("ResourceType", r.Type),
		text("ResourceStatus", r.Status), optional("ResourceStatusReason", r.Reason), unchecked("StackResourceDriftStatus"),
	}
}

func (s *stack) members() []field { return []field{text("StackName", s.Name), text("StackId", s.ID)} }

// describeStackResources returns up to 100 resources of a stack, or of the stack
// that has a physical resource.
func (e *Engine) describeStackResources(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.owner(c)
	if err != nil {
		return node{}, err
	}
	var found []*resource
	for _, r := range s.resources() {
		if matches(c.form.text("LogicalResourceId"), r.LogicalID) && matches(c.form.text("PhysicalResourceId"), r.PhysicalID) {
			found = append(found, r)
		}
	}
	found = found[:min(len(found), 100)]
	return fields(list("StackResources", found, func(r *resource) node {
		return fields(append(append(s.members(), r.members()...), moment("Timestamp", r.Changed))...)
	})), nil
}

// owner is the stack a call names, or the one that has its physical resource.
func (e *Engine) owner(c call) (*stack, error) {
	id := c.form.text("PhysicalResourceId")
	if c.form.text("StackName") != "" || id == "" {
		return e.need(c, absentID)
	}
	for _, s := range e.stacksOf(c.Scope, (*stack).live) {
		for _, r := range s.Resources {
			if r.PhysicalID == id {
				return s, nil
			}
		}
	}
	return nil, invalidf("Stack for %s does not exist", id)
}

func (e *Engine) describeStackResource(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.need(c, "Stack '%s' does not exist")
	if err != nil {
		return node{}, err
	}
	id := c.form.text("LogicalResourceId")
	r := s.Resources[id]
	if r == nil {
		return node{}, invalidf("Resource %s does not exist for stack %s", id, s.Name)
	}
	members := append(append(s.members(), r.members()...), moment("LastUpdatedTimestamp", r.Changed))
	if r.Metadata != nil {
		metadata, _ := json.Marshal(r.Metadata)
		members = append(members, text("Metadata", string(metadata)))
	}
	return fields(group("StackResourceDetail", members...)), nil
}
