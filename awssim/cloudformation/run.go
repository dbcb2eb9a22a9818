package cloudformation

import (
	"context"
	"time"
)

// phases are the functions of the phases. A phase ends by starting another one or
// by ending the operation; when the engine is closed it just returns.
var phases map[phase]func(*Engine, context.Context, *stack)

func init() {
	phases = map[phase]func(*Engine, context.Context, *stack){
		deploying:        (*Engine).deploy,
		cleaning:         (*Engine).cleanUp,
		undoingCreation:  (*Engine).undoCreation,
		undoingUpdate:    (*Engine).undoUpdate,
		cleaningRollback: (*Engine).cleanUpRollback,
		removing:         (*Engine).remove,
	}
}

// launch starts an operation on a stack in its first phase. The caller holds
// the lock and has checked that no other operation is running.
func (e *Engine) launch(s *stack, op *operation, status, reason string) {
	op.ID = e.newID()
	s.Operation = op
	s.History = append([]pastOperation{{ID: op.ID, Kind: op.Kind}}, s.History...)
	if op.Token != "" {
		s.Tokens[op.Token] = op.Kind
	}
	e.become(s, status, reason)
	e.resume(s)
}

// resume starts the goroutine of a stack's operation. The caller holds the
// lock.
func (e *Engine) resume(s *stack) {
	e.spawn(func() { e.run(s) })
}

// run works phase by phase until the operation is over or the engine closed.
func (e *Engine) run(s *stack) {
	for {
		e.mu.Lock()
		op := s.Operation
		if op == nil || e.ctx.Err() != nil {
			e.mu.Unlock()
			return
		}
		ctx, cancel := context.WithCancelCause(e.ctx)
		op.cancel = cancel
		if op.Cancelled && op.Phase == deploying {
			cancel(errCancelled)
		}
		work := phases[op.Phase]
		e.mu.Unlock()
		work(e, ctx, s)
		cancel(nil)
	}
}

// start starts another phase. The caller holds the lock.
func (e *Engine) start(s *stack, next phase, status, reason string) {
	s.Operation.Phase = next
	e.become(s, status, reason)
}

// finish ends the operation in a status. The caller holds the lock.
func (e *Engine) finish(s *stack, status, reason string) {
	e.become(s, status, reason)
	e.settleChangeSet(s)
	s.Operation = nil
	e.broadcast()
}

// interrupt stops the running deployment: running steps are
// cancelled, and no new ones start. The caller holds the lock.
func (o *operation) interrupt() {
	o.Cancelled = true
	if o.cancel != nil && o.Phase == deploying {
		o.cancel(errCancelled)
	}
}

// sleep waits for simulated time. The error is the cause for which ctx ended.
func (e *Engine) sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && d > 0 {
		// The only error of a sleep is that of its context.
		_ = e.host.Sleep(ctx, d)
	}
	return context.Cause(ctx)
}

// closed reports whether the engine was closed: then nothing is recorded any more.
func (e *Engine) closed() bool { return e.ctx.Err() != nil }
