package cloudformation

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Snapshot returns the engine's whole state as JSON. Operations may be running:
// Restore continues them.
func (e *Engine) Snapshot() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	raw, err := json.Marshal(e.state)
	if err != nil {
		return nil, fmt.Errorf("writing the state of the stacks: %w", err)
	}
	return raw, nil
}

// Restore replaces the state of an engine that has no stacks yet by a
// snapshot. Operations that were running when it was taken continue.
func (e *Engine) Restore(snapshot []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(snapshot))
	decoder.UseNumber()
	restored := state{Stacks: map[string]*stack{}}
	if err := decoder.Decode(&restored); err != nil {
		return fmt.Errorf("reading the state of the stacks: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.state.Stacks) > 0 {
		return fmt.Errorf("restoring the state of the stacks: the engine has %d already", len(e.state.Stacks))
	}
	e.state = restored
	for _, s := range restored.Stacks {
		e.revive(s)
	}
	for _, s := range restored.Stacks {
		e.continueWork(s)
	}
	return nil
}

// revive indexes a restored stack. The caller holds the lock.
func (e *Engine) revive(s *stack) {
	if s.live() {
		e.live[liveName{s.Scope, s.Name}] = s
	}
	if s.Resources == nil {
		s.Resources = map[string]*resource{}
	}
	if s.Tokens == nil {
		s.Tokens = map[string]string{}
	}
}

// continueWork continues the operation of a restored stack. The caller
// holds the lock.
func (e *Engine) continueWork(s *stack) {
	if s.Operation != nil {
		e.resume(s)
	}
	for _, cs := range s.ChangeSets {
		if cs.pending() {
			e.resumeReview(s, cs)
		}
	}
}
