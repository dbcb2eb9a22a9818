package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// A change set with ImportExistingResources imports what it would create where
// that exists already. As "Import AWS resources into a CloudFormation stack
// automatically" in the CloudFormation user guide has it, such a resource needs
// a custom name in the template, an identifier that consists of properties and
// none that AWS makes, the DeletionPolicy Retain or RetainExceptOnCreate, and
// may not belong to a stack. Where the name does not count as one, the resource
// is created, and fails as it does without the parameter.
//
// The guide excludes names made by functions; `cdk bootstrap` imports its bucket
// all the same, whose name is made of parameters. So a name counts that refers
// to no other resource. Which types support imports, the published schemas say
// by their identifiers; the guide's own list of types is not known here.

// occupied is a name that a host may know something by.
type occupied struct {
	scope         Scope
	typ, identity string
}

// existing is what a host answered about a name.
type existing struct {
	resource Resource
	err      error
}

// resource finds what a host has by the name that the properties give, or notes
// that it is wanted.
func (k *externalReferences) resource(scope Scope, wanted *resource, identity string) (Resource, bool) {
	key := occupied{scope, wanted.Type, identity}
	answer, known := k.existing[key]
	if !known {
		k.pending = append(k.pending, func(_ context.Context, e *Engine, _ *stack, _ version) error {
			found, err := e.host.Existing(scope, wanted.Type, wanted.Properties)
			if err != nil && !errors.Is(err, ErrAbsent) {
				return err
			}
			k.existing[key] = existing{found, err}
			return nil
		})
	}
	return answer.resource, known && answer.err == nil
}

// add plans a resource that the stack does not have yet: it is made, or
// imported when something has its name and the change set says so. The caller
// holds the lock.
func (p *planner) add(wanted *resource) {
	identity := kinds.Identity(wanted.Type, wanted.Properties)
	id, exists := p.occupant(wanted, identity)
	if exists && p.importing && p.named(wanted) {
		p.result.Changes = append(p.result.Changes, importation(wanted, id))
		p.permitImport(wanted, identity)
		return
	}
	p.result.Changes = append(p.result.Changes, addition(wanted))
	if exists {
		property := "/" + kinds.NameProperty(wanted.Type)
		p.object(wanted, validation{
			Name: "NAME_CONFLICT_VALIDATION", Path: strings.TrimSuffix(property, "/"), PhysicalID: identity,
			Reason: existsReason(wanted.Type, identity),
		})
	}
}

// occupant is the physical id of what has the name that a new resource shall
// have.
func (p *planner) occupant(wanted *resource, identity string) (id string, exists bool) {
	own := p.stack.Resources[wanted.LogicalID]
	switch {
	case identity == "":
		return "", false
	case own != nil && own.PhysicalID != "" && kinds.Identity(own.Type, own.Properties) == identity:
		return "", false // what a failed creation left
	case p.engine.host.HasHandler(wanted.Type):
		found, exists := p.known.resource(p.stack.Scope, wanted, identity)
		return found.PhysicalID, exists
	}
	if left := p.engine.unmanaged(p.stack.Scope, wanted.Type, identity); left != nil {
		return left.ID, true
	}
	return "", p.engine.holder(p.stack.Scope, wanted.Type, identity) != nil
}

// named reports whether the template gives the resource a custom name by which it
// can be imported.
func (p *planner) named(wanted *resource) bool {
	identifier := kinds.Identifier(wanted.Type)
	for _, property := range identifier {
		for _, r := range template.References(p.to.Resources[wanted.LogicalID].Properties[property], p.to.conditions) {
			if _, dynamic := p.to.Resources[r.Name]; dynamic {
				return false
			}
		}
	}
	return len(identifier) > 0
}

// permitImport notes what is against the import of a resource.
func (p *planner) permitImport(wanted *resource, identity string) {
	if wanted.DeletionPolicy != "Retain" && wanted.DeletionPolicy != "RetainExceptOnCreate" {
		var members []string
		for _, property := range kinds.Identifier(wanted.Type) {
			value, _ := template.Text(wanted.Properties[property])
			members = append(members, property+"="+value)
		}
		p.result.Unretained = append(p.result.Unretained, fmt.Sprintf("%s ({%s})", wanted.LogicalID, strings.Join(members, ", ")))
	}
	if owner := p.engine.holder(p.stack.Scope, wanted.Type, identity); owner != nil && p.result.Owned == "" {
		p.result.Owned = ownedReason(identity, owner)
	}
}

func ownedReason(identity string, owner *stack) string {
	return fmt.Sprintf("%s already exists in stack %s", identity, owner.ID)
}

// refusal is why the plan cannot become a change set; empty when it can.
func (p *plan) refusal() string {
	if len(p.Unretained) > 0 {
		return "CloudFormation is attempting to import some resources because they already exist in your account. " +
			"The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template " +
			"for successful import. The affected resources are " + strings.Join(p.Unretained, ", ")
	}
	return p.Owned
}

// inherit takes over what is against the imports of a nested stack.
func (p *plan) inherit(child *plan) {
	p.Unretained = append(p.Unretained, child.Unretained...)
	if p.Owned == "" {
		p.Owned = child.Owned
	}
}

// collectImports finds what a change set and those of nested stacks import. The
// caller holds the lock.
func (e *Engine) collectImports(s *stack, cs *changeSet, imports map[string][]string) {
	for _, change := range cs.Changes {
		if change.Action == "Import" {
			imports[s.ID] = append(imports[s.ID], change.LogicalID)
		}
	}
	for _, id := range cs.Children {
		if child, nested := e.changeSetByID(id); nested != nil {
			e.collectImports(child, nested, imports)
		}
	}
}
