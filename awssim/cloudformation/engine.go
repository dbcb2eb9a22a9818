package cloudformation

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Engine is the CloudFormation of one simulated cloud: all accounts, all
// regions. It is safe for concurrent use.
type Engine struct {
	host    Host
	options Options

	// ctx ends when the engine is closed; running counts its goroutines.
	ctx     context.Context
	stop    context.CancelCauseFunc
	running sync.WaitGroup

	// mu guards all that follows. It is never held during calls of the host,
	// but for the time and for CheckRead.
	mu      sync.Mutex
	state   state
	live    map[liveName]*stack // stacks that are not deleted, by name
	changed chan struct{}       // closed at the next change of any stack
	faults  []*Rule
	hooks   []Hook
	limits  map[string]int // quotas, by type of resource
	// invocations are those of hooks, oldest first.
	invocations []hookResult
}

// state is what a snapshot holds.
type state struct {
	Seed    uint64
	Counter uint64
	Stacks  map[string]*stack // by ARN
	// Unmanaged are the resources without a handler that stacks retained.
	Unmanaged []*unmanaged
}

type liveName struct {
	scope Scope
	name  string
}

// New makes an engine without stacks.
func New(host Host, options Options) *Engine {
	options = options.withDefaults()
	e := &Engine{
		host:    host,
		options: options,
		live:    map[liveName]*stack{},
		changed: make(chan struct{}),
		state:   state{Seed: options.Seed, Stacks: map[string]*stack{}},
	}
	if e.state.Seed == 0 {
		e.state.Seed = rand.Uint64() //nolint:gosec // names, not secrets
	}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	return e
}

// Call performs one operation with all permissions, for the simulator itself. Errors are of
// type *wire.Error. Operations on stacks continue after Call returns.
func (e *Engine) Call(ctx context.Context, r Request) error {
	_, err := e.answer(ctx, r)
	return err
}

func (e *Engine) answer(ctx context.Context, r Request) (node, error) {
	handle, known := operations[r.Operation]
	if !known {
		return node{}, wire.Unknown("cloudformation", r.Operation)
	}
	c := call{Scope: r.Scope, caller: r.Caller, form: form(r.Form)}
	if err := c.checkInputs(r.Operation); err != nil {
		return node{}, asError(err)
	}
	result, err := handle(e, ctx, c)
	if err != nil {
		return node{}, asError(err)
	}
	return result, nil
}

// Close stops all operations and waits until they have stopped.
// The state can still be read and saved.
func (e *Engine) Close() {
	e.mu.Lock()
	e.stop(errClosed)
	e.mu.Unlock()
	e.running.Wait()
}

// spawn starts a goroutine that Close waits for; after Close it starts
// nothing. The caller holds the lock.
func (e *Engine) spawn(work func()) {
	if !e.closed() {
		e.running.Go(work)
	}
}

// broadcast wakes all that wait for a change. The caller holds the lock.
func (e *Engine) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// await waits until a condition holds. The condition is called with the lock
// held. The error is that of ctx.
func (e *Engine) await(ctx context.Context, condition func() bool) error {
	for {
		e.mu.Lock()
		holds, changed := condition(), e.changed
		e.mu.Unlock()
		if holds {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// asError turns any error into a response.
func asError(err error) *wire.Error {
	var refused *wire.Error
	if errors.As(err, &refused) {
		return refused
	}
	return invalidf("%s", err.Error())
}
