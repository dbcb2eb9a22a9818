package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// knownAfterApply replaces values that are known only after the deployment.
const knownAfterApply = "{{changeSet:KNOWN_AFTER_APPLY}}"

// plan is the changes of a new version.
type plan struct {
	Changes  []change
	Children []*childPlan
	// Invalid are the findings of early validation.
	Invalid []validation
	// Unretained are the resources that could be imported if their deletion
	// policy kept them, and Owned is why one cannot be: it is another stack's.
	Unretained []string
	Owned      string
	// Nothing reports whether there is nothing to do at all: no change of a
	// resource, an output, a tag, a notification or an alarm.
	Nothing bool
	// Identical reports whether even the text and the parameters are the same.
	Identical bool
}

// childPlan is the plan of a nested stack.
type childPlan struct {
	logicalID string
	stack     *stack // nil: it is to be made
	version   version
	plan      *plan
}

// planner compares a stack with a new version of it.
type planner struct {
	engine   *Engine
	stack    *stack
	from     *compiled // nil for a stack that has no version yet
	to       *compiled
	known    *externalReferences
	unknown  map[string]bool // resources whose identity is known only after the deployment
	changing map[string]bool // nested stacks whose outputs may change
	result   plan
	// importing reports whether what exists is imported.
	importing bool
}

// planChanges compares a stack with a new version. The host is asked for
// nested templates and parameters without the lock, which is why the plan is
// made again until nothing is missing.
func (e *Engine) planChanges(ctx context.Context, s *stack, target version, cs *changeSet) (*plan, error) {
	known := &externalReferences{
		templates: map[string]string{}, parameters: map[string]parameter{}, existing: map[occupied]existing{},
		deep: cs.Nested,
	}
	for {
		e.mu.Lock()
		result, err := e.planWith(s, target, known, cs.Importing, false)
		e.mu.Unlock()
		if len(known.pending) == 0 {
			return result, err
		}
		if err := known.resolve(ctx, e, s, target); err != nil {
			return nil, err
		}
	}
}

// planWith makes a plan with what is known; nested is a stack of another. The
// caller holds the lock.
func (e *Engine) planWith(s *stack, target version, known *externalReferences, importing bool, nested bool) (*plan, error) {
	p := &planner{
		engine: e, stack: s, known: known, importing: importing, unknown: map[string]bool{}, changing: map[string]bool{},
	}
	var err error
	if p.to, err = e.compile(s, target); err != nil {
		return nil, err
	}
	if s.Version.Template != "" {
		if p.from, err = e.compile(s, s.Version); err != nil {
			return nil, err
		}
	}
	p.to.env.Resource, p.to.env.Attribute = p.reference, p.attribute
	if nested {
		p.to.env.Import = p.imported
	}
	if err := p.checkTypes(); err != nil {
		return nil, err
	}
	if _, err := e.importNames(p.to); err != nil {
		return nil, err
	}
	return &p.result, p.compare(target)
}

func (p *planner) compare(target version) error {
	for _, id := range template.Order(p.to.needs) {
		if err := p.resource(id); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(p.stack.Resources) {
		if r := p.stack.Resources[id]; !p.to.Active(id, p.to.conditions) && !r.gone() {
			p.result.Changes = append(p.result.Changes, removal(r))
		}
	}
	slices.SortFunc(p.result.Changes, func(a, b change) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	p.warnings()
	outputs, err := evaluateOutputs(p.to)
	if err != nil {
		return err
	}
	old := p.stack.Version
	around := slices.Equal(outputs, p.stack.Outputs) && slices.Equal(old.Tags, target.Tags) &&
		slices.Equal(old.Notifications, target.Notifications) && old.Rollback.equal(target.Rollback) && !p.stack.paused()
	p.result.Nothing = len(p.result.Changes) == 0 && around
	p.result.Identical = p.result.Nothing && old.Template == target.Template && slices.Equal(old.Arguments, target.Arguments)
	return nil
}

// reference is Ref as far as it is known before the deployment.
func (p *planner) reference(id string) (any, error) {
	if p.unknown[id] {
		return template.Unknown{}, nil
	}
	return p.stack.reference(id)
}

// attribute is Fn::GetAtt as far as it is known before the deployment.
func (p *planner) attribute(id, name string) (any, error) {
	if p.unknown[id] || p.changing[id] {
		return template.Unknown{}, nil
	}
	return p.stack.attribute(id, name)
}

// imported is Fn::ImportValue in a nested stack as far as it is known before the
// deployment: another nested stack may export the name by then.
func (p *planner) imported(name string) (any, error) {
	if _, o, ok := p.engine.exporter(p.stack.Scope, name); ok {
		return o.Value, nil
	}
	return template.Unknown{}, nil
}

// checkTypes refuses to make another type of resource of a logical id.
func (p *planner) checkTypes() error {
	var changed []string
	for _, id := range sortedKeys(p.to.needs) {
		r := p.stack.Resources[id]
		if r != nil && !r.gone() && r.PhysicalID != "" && r.Type != p.to.Resources[id].Type {
			changed = append(changed, id)
		}
	}
	if len(changed) > 0 {
		return invalidf("Update of resource type is not permitted. "+
			"The new template modifies resource type of the following resources: %v", changed)
	}
	return nil
}

// resource compares one resource of the new version.
func (p *planner) resource(id string) error {
	wanted, err := p.to.wanted(id)
	if err != nil {
		return err
	}
	if err := p.checkStore(&wanted); err != nil {
		return err
	}
	current := p.stack.Resources[id]
	added := current == nil || current.gone() || current.PhysicalID == "" || current.failedToExist()
	if added {
		p.unknown[id] = true
		p.validate(&wanted)
		p.add(&wanted)
	} else if c, modified := p.modification(current, &wanted); modified {
		p.unknown[id] = c.Replacement != "False"
		p.result.Changes = append(p.result.Changes, c)
		p.validate(&wanted)
	}
	if wanted.Type != stackType {
		return nil
	}
	return p.nested(id, current, &wanted)
}

// nested plans a nested stack.
func (p *planner) nested(id string, current, wanted *resource) error {
	url, _ := template.Text(wanted.Properties["TemplateURL"])
	if url == "" {
		return nil
	}
	body, ok := p.known.template(url)
	if !ok {
		return nil
	}
	child := &childPlan{logicalID: id}
	var err error
	if child.version, err = p.engine.plannedVersion(p.stack, p.to.version, wanted.Properties, body, p.known); err != nil {
		if template.IsUnknown(wanted.Properties["Parameters"]) || errors.Is(err, errUnresolved) {
			return nil
		}
		return err
	}
	if current != nil {
		child.stack = p.engine.state.Stacks[current.PhysicalID]
	}
	from := child.stack
	if from == nil {
		from = &stack{Scope: p.stack.Scope, Name: p.stack.Name + "-" + id, Resources: map[string]*resource{}}
	}
	if child.plan, err = p.engine.planWith(from, child.version, p.known, p.importing && p.known.deep, true); err != nil {
		return err
	}
	if child.plan.Nothing {
		return nil
	}
	p.result.inherit(child.plan)
	p.changing[id] = true
	p.result.Children = append(p.result.Children, child)
	if !slices.ContainsFunc(p.result.Changes, func(c change) bool { return c.LogicalID == id }) {
		p.result.Changes = append(p.result.Changes, automatic(current))
	}
	return nil
}
