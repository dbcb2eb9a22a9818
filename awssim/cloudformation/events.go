package cloudformation

import (
	"encoding/json"
	"time"
)

// event is one line of a stack's history.
type event struct {
	ID         string
	Operation  string
	LogicalID  string
	PhysicalID string
	Type       string
	Time       time.Time
	Status     string
	Reason     string
	Properties string // JSON; empty for the stack itself
	Token      string
	// Of the invocation of a hook.
	Hook, HookID, HookStatus, HookReason, HookMode string
}

// record appends an event. Times of a stack's events strictly rise, by at least
// a millisecond, which is what clients sort by. The caller holds the lock.
func (e *Engine) record(s *stack, ev event) {
	ev.Time = e.host.Now().UTC().Truncate(time.Millisecond)
	if n := len(s.Events); n > 0 && !ev.Time.After(s.Events[n-1].Time) {
		ev.Time = s.Events[n-1].Time.Add(time.Millisecond)
	}
	if s.Operation != nil {
		ev.Operation, ev.Token = s.Operation.ID, s.Operation.Token
	}
	if ev.ID == "" {
		ev.ID = ev.LogicalID + "-" + ev.Status + "-" + ev.Time.Format("2006-01-02T15:04:05.000Z")
	}
	s.Events = append(s.Events, ev)
	e.broadcast()
}

// become sets the status of a stack and records the event. The caller holds the lock.
func (e *Engine) become(s *stack, status, reason string) {
	s.Status, s.Reason = status, reason
	e.record(s, event{
		ID: e.newID(), LogicalID: s.Name, PhysicalID: s.ID, Type: stackType, Status: status, Reason: reason,
	})
}

// mark sets the status of a resource and records the event. The caller holds the lock.
func (e *Engine) mark(s *stack, r *resource, status, reason string) {
	r.Status, r.Reason = status, reason
	e.record(s, event{
		LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type, Status: status, Reason: reason,
		Properties: compact(r.Properties),
	})
	r.Changed = s.Events[len(s.Events)-1].Time
}

// markBegun records that work on a resource begins, unless that was recorded before
// a restart. The caller holds the lock.
func (e *Engine) markBegun(s *stack, r *resource, status string) {
	if r.Status != status {
		e.mark(s, r, status, "")
	}
}

// compact writes a value as one line of JSON; nothing as an empty text.
func compact(value map[string]any) string {
	if value == nil {
		return ""
	}
	// Values come from JSON and YAML: they can be written.
	text, _ := json.Marshal(value)
	return string(text)
}
