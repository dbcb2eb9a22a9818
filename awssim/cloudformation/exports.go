package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// exporter finds the stack that exports a name, and the output. The caller
// holds the lock.
func (e *Engine) exporter(scope Scope, name string) (*stack, output, bool) {
	for _, s := range e.state.Stacks {
		if s.Scope != scope || !s.live() {
			continue
		}
		for _, o := range s.Outputs {
			if o.Export == name {
				return s, o, true
			}
		}
	}
	return nil, output{}, false
}

// imported is Fn::ImportValue. The caller holds the lock.
func (e *Engine) imported(scope Scope, name string) (any, error) {
	_, o, ok := e.exporter(scope, name)
	if !ok {
		return nil, fmt.Errorf("No export named %s found.", name)
	}
	return o.Value, nil
}

// importNames are the exports a version uses. One that does not exist is an
// error. The caller holds the lock.
func (e *Engine) importNames(c *compiled) ([]string, error) {
	var names []string
	for _, argument := range c.importArguments() {
		name, err := c.env.Evaluate(argument)
		if err != nil {
			return nil, err
		}
		text, _ := template.Text(name)
		if _, err := c.env.Import(text); err != nil {
			return nil, err
		}
		names = append(names, text)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (c *compiled) importArguments() []any {
	var arguments []any
	for _, id := range sortedKeys(c.needs) {
		arguments = append(arguments, template.Imports(c.Resources[id].Properties, c.conditions)...)
	}
	for _, key := range sortedKeys(c.Outputs) {
		arguments = append(arguments, template.Imports(c.Outputs[key].Value, c.conditions)...)
	}
	return arguments
}

// importers are the names of the stacks that use an export. The caller holds
// the lock.
func (e *Engine) importers(scope Scope, name string) []string {
	var names []string
	for _, s := range e.state.Stacks {
		if s.Scope == scope && s.live() && slices.Contains(s.Imports, name) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// checkExports refuses exports that another stack has already, and changes of
// those that are in use. The caller holds the lock.
func (e *Engine) checkExports(s *stack, outputs []output) error {
	wanted := make(map[string]string, len(outputs))
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		if owner, _, taken := e.exporter(s.Scope, o.Export); taken && owner != s {
			return fmt.Errorf("Export with name %s is already exported by stack %s.", o.Export, owner.Name)
		}
		wanted[o.Export] = o.Value
	}
	for _, o := range s.Outputs {
		users := e.importers(s.Scope, o.Export)
		value, kept := wanted[o.Export]
		switch {
		case o.Export == "" || len(users) == 0 || kept && value == o.Value:
		case kept:
			return fmt.Errorf("Export %s cannot be updated as it is in use by %s", o.Export, enumerate(users))
		default:
			return inUse(o.Export, users)
		}
	}
	return nil
}

func inUse(export string, users []string) error {
	return fmt.Errorf("Delete canceled. Cannot delete export %s as it is in use by %s.", export, enumerate(users))
}

// enumerate writes "A", "A and B", "A, B and C".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
