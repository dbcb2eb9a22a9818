package cloudformation

import (
	"context"
	"slices"
	"strings"
)

type export struct {
	stack *stack
	output
}

func (e *Engine) listExports(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []export
	for _, s := range e.stacksOf(c.Scope, (*stack).live) {
		for _, o := range s.Outputs {
			if o.Export != "" {
				all = append(all, export{s, o})
			}
		}
	}
	slices.SortFunc(all, func(a, b export) int { return strings.Compare(a.Export, b.Export) })
	from, to, next, err := e.page(len(all), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("Exports", all[from:to], func(x export) node {
		return fields(text("ExportingStackId", x.stack.ID), text("Name", x.Export), text("Value", x.Value))
	}), optional("NextToken", next)), nil
}

func (e *Engine) listImports(_ context.Context, c call) (node, error) {
	name, err := c.form.require("ExportName")
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	users := e.importers(c.Scope, name)
	if len(users) == 0 {
		return node{}, invalidf("Export '%s' is not imported by any stack.", name)
	}
	return fields(textList("Imports", users)), nil
}
