package cloudformation

import (
	"cmp"
	"slices"
	"time"
)

// Span is the duration of one operation on a stack.
type Span struct {
	Stack  string // name
	Begin  time.Time
	End    time.Time
	Status string // in which the operation ended
}

// Spans returns the durations of the operations on all stacks that are not nested,
// in the order of their start. Running operations are left out.
func (e *Engine) Spans() []Span {
	e.mu.Lock()
	defer e.mu.Unlock()
	var spans []Span
	for _, s := range e.state.Stacks {
		if s.Parent == "" {
			spans = append(spans, s.spans()...)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int {
		return cmp.Or(a.Begin.Compare(b.Begin), cmp.Compare(a.Stack, b.Stack))
	})
	return spans
}

func (s *stack) spans() []Span {
	var spans []Span
	last := ""
	for _, ev := range s.Events {
		if ev.Operation == "" || ev.PhysicalID != s.ID || s.Operation != nil && ev.Operation == s.Operation.ID {
			continue
		}
		if ev.Operation != last {
			spans, last = append(spans, Span{Stack: s.Name, Begin: ev.Time}), ev.Operation
		}
		spans[len(spans)-1].End, spans[len(spans)-1].Status = ev.Time, ev.Status
	}
	return spans
}
