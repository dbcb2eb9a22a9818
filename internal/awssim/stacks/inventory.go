package stacks

import (
	"context"
	"slices"
	"strings"
)

// Summary is what the rest of the simulator sees of a stack.
type Summary struct {
	Status     string
	Reason     string
	Parameters map[string]string
}

// Settled waits until nothing goes on with a stack, and says whether there is
// one and how it is.
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
