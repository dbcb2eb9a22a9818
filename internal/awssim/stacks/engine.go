package stacks

import "context"

// Engine is the CloudFormation of one simulated cloud: all accounts, all
// regions. It is safe for concurrent use.
type Engine struct {
	host    Host
	options Options
}

// New makes an engine without stacks.
func New(host Host, options Options) *Engine {
	return &Engine{host: host, options: options.withDefaults()}
}

// Call performs one operation. An error is always an *Error, ready to be
// rendered with its XML method.
func (e *Engine) Call(_ context.Context, r Request) (Response, error) {
	return Response{}, refusal("InvalidAction", "Could not find operation %s for version 2010-05-15", r.Operation)
}

// FailResource adds a rule to the engine's scripted faults.
func (e *Engine) FailResource(Rule) {}

// Snapshot returns the engine's whole state as JSON.
func (e *Engine) Snapshot() ([]byte, error) { return []byte("{}"), nil }

// Restore replaces the engine's state by a snapshot. Operations that were
// running when it was taken continue.
func (e *Engine) Restore([]byte) error { return nil }

// Close stops all operations where they are and waits for them.
func (e *Engine) Close() {}
