package cloudformation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// deploy creates and updates the resources of a stack's version.
func (e *Engine) deploy(ctx context.Context, s *stack) {
	c, err := e.compile(s, s.Version)
	if err == nil {
		_ = e.sleep(ctx, e.options.Tick)
		err = cmp.Or(e.takeImports(s, c), e.checkAlarms(s))
	}
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.fail(s, err.Error()+" ")
		return
	}
	ctx, watched := e.watchAlarms(ctx, s)
	failed := walk(ctx, c.needs, !s.Operation.rollsBack(), func(ctx context.Context, id string) error {
		return e.deployResource(ctx, s, c, id)
	})
	if len(failed) == 0 {
		e.monitor(ctx, s)
	}
	watched()
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conclude(s, c, failed)
}

// conclude decides what follows a deployment. The caller holds the lock.
func (e *Engine) conclude(s *stack, c *compiled, failed []string) {
	op := s.Operation
	switch {
	case op.Next != nil:
		next := op.Next
		next.Before = op.Before
		e.launchNext(s, next)
	case len(op.Alarms) > 0:
		e.fail(s, alarmReason(op.Alarms))
	case len(failed) > 0:
		e.fail(s, s.failures(failed))
	case op.Cancelled:
		e.fail(s, "User Initiated")
	default:
		outputs, err := e.outputs(s, c)
		if err != nil {
			e.fail(s, err.Error()+" ")
			return
		}
		e.deployed(s, c, outputs)
	}
}

// launchNext replaces an interrupted operation by the one requested meanwhile, in the same
// goroutine.
func (e *Engine) launchNext(s *stack, next *operation) {
	next.ID = e.newID()
	e.settleChangeSet(s)
	s.Operation = next
	s.History = append([]pastOperation{{ID: next.ID, Kind: next.Kind}}, s.History...)
	e.become(s, "DELETE_IN_PROGRESS", "User Initiated")
}

// failures describes what failed: creations, then imports, then updates.
func (s *stack) failures(ids []string) string {
	var created, imported, updated []string
	for _, id := range ids {
		switch r := s.Resources[id]; {
		case r != nil && strings.HasPrefix(r.Status, "UPDATE"):
			updated = append(updated, id)
		case r != nil && strings.HasPrefix(r.Status, "IMPORT"):
			imported = append(imported, id)
		default:
			created = append(created, id)
		}
	}
	return failureReason("create", created) + failureReason("import", imported) + failureReason("update", updated)
}

// deployed ends a deployment whose resources and outputs are complete. The
// caller holds the lock.
func (e *Engine) deployed(s *stack, c *compiled, outputs []output) {
	s.Outputs, s.Description = outputs, c.Description
	s.Imports, _ = e.importNames(c)
	switch {
	case s.Operation.Kind == createStack:
		e.finish(s, "CREATE_COMPLETE", "")
	case s.Operation.Nested:
		// The cleanup waits for the parent: it may still roll back.
		e.finish(s, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
	default:
		e.start(s, cleaning, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
	}
}

// fail ends a failed deployment as its operation requires. The
// caller holds the lock.
func (e *Engine) fail(s *stack, reason string) {
	op := s.Operation
	created := op.Kind == createStack || s.Stable == nil
	switch {
	case op.OnFailure == "DELETE" && created && !op.Nested:
		op.Before = s.Status
		e.start(s, removing, "DELETE_IN_PROGRESS", reason+"Delete requested by user.")
	case op.Kind == createStack && (op.Nested || !op.rollsBack()):
		// A nested stack that was not created waits for its parent to delete it.
		e.finish(s, "CREATE_FAILED", reason)
	case !op.rollsBack():
		e.releaseNested(s)
		e.finish(s, "UPDATE_FAILED", reason)
	case created:
		e.start(s, undoingCreation, "ROLLBACK_IN_PROGRESS", reason+"Rollback requested by user.")
	default:
		e.start(s, undoingUpdate, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
	}
}

// outputs evaluates the outputs and checks the exports among them. The caller
// holds the lock.
func (e *Engine) outputs(s *stack, c *compiled) ([]output, error) {
	outputs, err := evaluateOutputs(c)
	if err != nil {
		return nil, err
	}
	return outputs, e.checkExports(s, outputs)
}

func evaluateOutputs(c *compiled) ([]output, error) {
	var result []output
	for _, key := range sortedKeys(c.Outputs) {
		declared := c.Outputs[key]
		if declared.Condition != "" && !c.conditions[declared.Condition] {
			continue
		}
		o := output{Key: key}
		for target, value := range map[*string]any{
			&o.Value: declared.Value, &o.Description: declared.Description, &o.Export: declared.Export,
		} {
			text, err := evaluateText(c, value)
			if err != nil {
				return nil, err
			}
			*target = text
		}
		result = append(result, o)
	}
	return result, nil
}

// evaluateText evaluates what must be a text, or nothing.
func evaluateText(c *compiled, value any) (string, error) {
	if value == nil {
		return "", nil
	}
	result, err := c.env.Evaluate(value)
	if err != nil {
		return "", err
	}
	if template.IsUnknown(result) {
		return knownAfterApply, nil
	}
	text, ok := template.Text(result)
	if !ok {
		return "", fmt.Errorf("Template format error: Output values must be strings, not %s", compact(map[string]any{"Value": result}))
	}
	return text, nil
}

// takeImports records the exports the deployment will use, so that no other
// operation removes them meanwhile.
func (e *Engine) takeImports(s *stack, c *compiled) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	names, err := e.importNames(c)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(s.Imports, name) {
			s.Imports = append(s.Imports, name)
		}
	}
	return nil
}
