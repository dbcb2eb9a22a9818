package cloudformation

import (
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/inventory"
)

// unmanaged is a resource that exists and belongs to no stack: its deletion
// policy, or whoever deleted its stack, left it behind. It keeps its name until
// a stack imports it. Only resources that nothing stands behind are remembered
// so; of the others, their services know.
type unmanaged struct {
	Scope Scope
	inventory.Resource
}

// leave lets go of a physical resource that stays. The caller holds the lock.
func (e *Engine) leave(s *stack, r *resource) {
	if r.PhysicalID == "" || r.Type == stackType || e.host.HasHandler(r.Type) {
		return
	}
	left := &unmanaged{Scope: s.Scope, Resource: inventory.Resource{
		Type: r.Type, ID: r.PhysicalID, Properties: r.Properties, Attributes: r.Attributes, Tags: r.allTags(s),
	}}
	known := slices.ContainsFunc(e.state.Unmanaged, func(other *unmanaged) bool {
		return other.Scope == left.Scope && other.Type == left.Type && other.ID == left.ID
	})
	if !known {
		e.state.Unmanaged = append(e.state.Unmanaged, left)
	}
}

// leftBehind lists the unmanaged resources of some types in a scope, oldest
// first. The caller holds the lock.
func (e *Engine) leftBehind(scope Scope, types []string) []inventory.Resource {
	var found []inventory.Resource
	for _, left := range e.state.Unmanaged {
		if left.Scope == scope && slices.Contains(types, left.Type) {
			found = append(found, left.Resource)
		}
	}
	return found
}

// unmanaged is the resource without a stack that has an identity, or nil. The
// caller holds the lock.
func (e *Engine) unmanaged(scope Scope, typ, identity string) *unmanaged {
	for _, left := range e.state.Unmanaged {
		if left.Type == typ && within(left.Scope, scope, typ) && kinds.Identity(typ, left.Properties) == identity {
			return left
		}
	}
	return nil
}

// manage makes an unmanaged resource one of a stack. The caller holds the lock.
func (e *Engine) manage(left *unmanaged) {
	e.state.Unmanaged = slices.DeleteFunc(e.state.Unmanaged, func(other *unmanaged) bool { return other == left })
}

// holder is the stack that has the resource with an identity, or nil. The caller
// holds the lock.
func (e *Engine) holder(scope Scope, typ, identity string) *stack {
	for _, s := range e.state.Stacks {
		if !within(s.Scope, scope, typ) {
			continue
		}
		for _, r := range s.Resources {
			if r.Type == typ && r.PhysicalID != "" && !r.gone() && kinds.Identity(typ, r.Properties) == identity {
				return s
			}
		}
	}
	return nil
}

// taken reports whether a resource of the type with that identity exists. The
// caller holds the lock.
func (e *Engine) taken(scope Scope, typ, identity string) bool {
	return e.unmanaged(scope, typ, identity) != nil || e.holder(scope, typ, identity) != nil
}

// within reports whether names of the type in one scope exclude those in another.
func within(one, other Scope, typ string) bool {
	return one.Account == other.Account && (one.Region == other.Region || kinds.Global(typ))
}

func existsReason(typ, identity string) string {
	return fmt.Sprintf("Resource of type '%s' with identifier '%s' already exists.", typ, identity)
}
