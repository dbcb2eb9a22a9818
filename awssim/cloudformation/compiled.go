package cloudformation

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// compiled is a version of a stack, ready to be evaluated. Evaluation reads
// the stack's resources: it needs the engine's lock.
type compiled struct {
	*template.Template
	version    version
	env        *template.Env
	conditions map[string]bool
	needs      map[string][]string // of the resources that exist under the conditions
}

// compile reads a version of a stack.
func (e *Engine) compile(s *stack, v version) (*compiled, error) {
	parsed, err := template.Parse(v.text())
	if err != nil {
		return nil, err
	}
	c := &compiled{Template: parsed, version: v, env: &template.Env{
		Template:  parsed,
		Pseudo:    pseudo(s.Scope, v, s.Name, s.ID),
		Arguments: v.Arguments,
		Resource:  s.reference,
		Attribute: s.attribute,
		Import:    func(name string) (any, error) { return e.imported(s.Scope, name) },
		Output:    func(o template.StackOutput) (any, error) { return e.outputOf(s.Scope, v.actor(), o) },
		Zones:     zones,
	}}
	if c.conditions, err = c.env.Conditions(); err != nil {
		return nil, err
	}
	c.needs = parsed.Needs(c.conditions)
	return c, c.checkActive()
}

// checkActive refuses references to resources that the conditions leave out.
func (c *compiled) checkActive() error {
	for _, id := range template.Order(c.needs) {
		for _, need := range c.needs[id] {
			if !c.Active(need, c.conditions) {
				return invalidf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", need)
			}
		}
	}
	return nil
}

// zones invents the availability zones of a region.
func zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }

// reference is Ref of a resource that was made.
func (s *stack) reference(id string) (any, error) {
	if r, ok := s.Resources[id]; ok && r.PhysicalID != "" {
		return r.PhysicalID, nil
	}
	return nil, fmt.Errorf("Resource %s has no physical id yet", id)
}

// attribute is Fn::GetAtt of a resource that was made.
func (s *stack) attribute(id, name string) (any, error) {
	r, ok := s.Resources[id]
	if !ok || r.PhysicalID == "" {
		return nil, fmt.Errorf("Resource %s has no attributes yet", id)
	}
	if value, ok := r.Attributes[name]; ok {
		return value, nil
	}
	if r.Type == stackType {
		return nil, invalidf("Template error: output %s not found in stack %s", name, r.PhysicalID)
	}
	return s.subject(r).Attribute(name), nil
}

// subject is the resource as the tables of kinds see it.
func (s *stack) subject(r *resource) kinds.Subject {
	return kinds.Subject{
		Place: s.Scope.place(), Type: r.Type, StackName: s.Name, LogicalID: r.LogicalID,
		PhysicalID: r.PhysicalID, Properties: r.Properties,
	}
}
