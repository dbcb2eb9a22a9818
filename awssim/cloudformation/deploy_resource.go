package cloudformation

import (
	"context"
	"errors"
	"time"
)

// deployResource updates one resource to the template: an event that
// it is in progress, the change itself, the time it takes, an event that it is
// complete.
func (e *Engine) deployResource(ctx context.Context, s *stack, c *compiled, id string) error {
	e.mu.Lock()
	st, err := s.decide(c, id)
	if err == nil && st.verb == "" {
		st.adopt()
		e.mu.Unlock()
		return e.deployUnchanged(ctx, s, st.record)
	}
	if !st.begun {
		e.mark(s, st.record, st.verb+"_IN_PROGRESS", st.firstReason())
	}
	e.mu.Unlock()
	if err == nil {
		err = e.perform(ctx, s, st)
	}
	if err := e.end(ctx, s, st, err); err != nil || st.verb != "IMPORT" {
		return err
	}
	return e.deployResource(ctx, s, c, id) // what was imported is updated
}

// firstReason explains how a step begins that does not just create or update.
func (st step) firstReason() string {
	switch {
	case st.verb == "IMPORT":
		return "Resource import started."
	case st.tagging:
		return tagsReason
	case st.replace:
		return "Requested update requires the creation of a new physical resource; hence creating one."
	}
	return ""
}

// perform does the change and waits until it is stable.
func (e *Engine) perform(ctx context.Context, s *stack, st step) error {
	e.mu.Lock()
	refused := e.resourceHooks(s, st.record)
	e.mu.Unlock()
	if refused != nil {
		return refused
	}
	delay, failure, late := e.fault(s, st.record, st.verb)
	duration := delay + e.options.ResourceTime(st.record.Type, st.record.LogicalID)
	if failure != nil {
		if late && !st.acted {
			if err := e.act(ctx, s, st); err != nil {
				return err
			}
		}
		if err := e.sleep(ctx, e.remaining(st.record, duration)); err != nil {
			return err
		}
		return failure
	}
	if !st.acted {
		if err := e.sleep(ctx, e.options.Tick); err != nil {
			return err
		}
		if err := e.act(ctx, s, st); err != nil {
			return err
		}
	}
	return e.stabilize(ctx, st.record, duration)
}

// stabilize waits until a resource is ready to be used.
func (e *Engine) stabilize(ctx context.Context, r *resource, duration time.Duration) error {
	if r.Type == stackType {
		return e.awaitNested(ctx, r)
	}
	return e.sleep(ctx, e.remaining(r, duration))
}

// remaining is what is left of the time a resource takes, counted from its
// last event: a restart does not make it longer.
func (e *Engine) remaining(r *resource, duration time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return duration - e.host.Now().Sub(r.Changed)
}

// end records how a step ended. When the engine was closed it is not over yet.
func (e *Engine) end(ctx context.Context, s *stack, st step, err error) error {
	if e.closed() {
		return errClosed
	}
	if errors.Is(err, errCancelled) || err != nil && errors.Is(context.Cause(ctx), errCancelled) {
		err = errors.New(cancellation(st.verb))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.mark(s, st.record, st.verb+"_FAILED", err.Error())
		e.release(s, st)
		return err
	}
	e.mark(s, st.record, st.verb+"_COMPLETE", st.lastReason())
	return nil
}

func (st step) lastReason() string {
	if st.verb == "IMPORT" {
		return "Resource import completed."
	}
	return ""
}

func cancellation(verb string) string {
	switch verb {
	case "CREATE":
		return "Resource creation cancelled"
	case "IMPORT":
		return "Resource import cancelled"
	}
	return "Resource update cancelled"
}
