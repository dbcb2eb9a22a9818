package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
)

// Summary is the part of a stack that the rest of the simulator reads.
type Summary struct {
	Status     string
	Reason     string
	Parameters map[string]string
}

// Settled waits until no operation works on a stack, and returns its summary and whether it
// exists.
func (e *Engine) Settled(ctx context.Context, scope Scope, name string) (Summary, bool, error) {
	var s *stack
	err := e.await(ctx, func() bool {
		if s == nil {
			s = e.find(scope, name)
		}
		return s == nil || s.Operation == nil
	})
	if s == nil || err != nil {
		return Summary{}, false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found := Summary{Status: s.Status, Reason: s.Reason, Parameters: map[string]string{}}
	for _, event := range slices.Backward(s.Events) { // the first failure says why
		if strings.HasSuffix(event.Status, "_FAILED") {
			found.Reason = event.LogicalID + ": " + event.Reason
		}
	}
	for _, argument := range s.Version.Arguments {
		found.Parameters[argument.Key] = argument.Value
	}
	return found, true, nil
}

// Scopes returns the regions in which an account has stacks.
func (e *Engine) Scopes(account string) []Scope {
	e.mu.Lock()
	defer e.mu.Unlock()
	var scopes []Scope
	for _, s := range e.state.Stacks {
		if s.Scope.Account == account && !slices.Contains(scopes, s.Scope) {
			scopes = append(scopes, s.Scope)
		}
	}
	slices.SortFunc(scopes, func(a, b Scope) int { return strings.Compare(a.Region, b.Region) })
	return scopes
}

// Deployed returns the resources of some types that the stacks of a scope have,
// by stack and logical id, and then those that stacks retained.
func (e *Engine) Deployed(scope Scope, types ...string) []inventory.Resource {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []inventory.Resource
	all := e.stacksOf(scope, (*stack).live)
	slices.SortFunc(all, func(a, b *stack) int { return strings.Compare(a.ID, b.ID) })
	for _, s := range all {
		for _, id := range sortedKeys(s.Resources) {
			r := s.Resources[id]
			if r.gone() || r.PhysicalID == "" || !slices.Contains(types, r.Type) {
				continue
			}
			found = append(found, inventory.Resource{
				Type: r.Type, ID: r.PhysicalID, Properties: r.Properties, Attributes: r.Attributes, Tags: r.allTags(s),
			})
		}
	}
	return append(found, e.leftBehind(scope, types)...)
}

// allTags are the resource's own, those of its stack, and CloudFormation's.
func (r *resource) allTags(s *stack) map[string]string {
	tags := map[string]string{
		"aws:cloudformation:stack-name": s.Name, "aws:cloudformation:stack-id": s.ID, "aws:cloudformation:logical-id": r.LogicalID,
	}
	for _, t := range r.Tags {
		tags[t.Key] = t.Value
	}
	own, _ := r.Properties["Tags"].([]any)
	for _, item := range own {
		if t, ok := item.(map[string]any); ok {
			tags[fmt.Sprint(t["Key"])] = fmt.Sprint(t["Value"])
		}
	}
	return tags
}
