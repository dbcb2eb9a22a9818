package cloudformation

import (
	"errors"
	"time"
)

// Rule makes operations on matching resources fail. Empty fields match
// everything.
type Rule struct {
	Stack     string // a stack's name
	LogicalID string
	Type      string
	Operation string // CREATE, UPDATE or DELETE
	Reason    string // what the event says; a default text when empty
	Times     int    // how often the rule applies; 0 means for ever
	// Delay is how long the resource works before it fails, on top of its
	// usual time.
	Delay time.Duration
	// Late lets the resource be made before it fails, as one that does not become stable.
	Late bool
	// OnlySlow lets the resource succeed, after the delay.
	OnlySlow bool
}

// FailResource adds a rule to the scripted faults of the engine. The first rule that matches
// applies. Rules are not part of a snapshot.
func (e *Engine) FailResource(rule Rule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, &rule)
}

// ClearFaults removes all rules.
func (e *Engine) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
}

// fault returns the scripted fault of a step: a delay, an error or nil, and whether the
// resource is made first.
func (e *Engine) fault(s *stack, r *resource, operation string) (delay time.Duration, failure error, late bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, rule := range e.faults {
		if !rule.matches(s, r, operation) {
			continue
		}
		if rule.Times > 0 {
			if rule.Times--; rule.Times == 0 {
				e.faults = append(e.faults[:i:i], e.faults[i+1:]...)
			}
		}
		if rule.OnlySlow {
			return rule.Delay, nil, false
		}
		return rule.Delay, errors.New(rule.reason(e.newID())), rule.Late
	}
	return 0, nil, false
}

func (r *Rule) matches(s *stack, target *resource, operation string) bool {
	return matches(r.Stack, s.Name) && matches(r.LogicalID, target.LogicalID) &&
		matches(r.Type, target.Type) && matches(r.Operation, operation)
}

func matches(wanted, is string) bool { return wanted == "" || wanted == is }

func (r *Rule) reason(token string) string {
	if r.Reason != "" {
		return r.Reason
	}
	return handlerReason("The simulator was configured to fail this operation", token, "GeneralServiceException")
}
