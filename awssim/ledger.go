package awssim

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Record is one call in the history.
type Record struct {
	Time      time.Time // simulated
	Service   string
	Operation string
	Account   string
	Region    string
	Caller    string // ARN; empty when the call was refused before that was known
	Target    string // resource of the call: bucket/key, stack, role or name
	Status    int    // HTTP status; 0 for a dropped connection
	Code      string // the error's code; empty for a success
}

// maxHistory limits the memory of a long run; older records are dropped.
const maxHistory = 100_000

// ledger records calls.
type ledger struct {
	mu      sync.Mutex
	history []Record
	counts  map[string]int
	unknown map[string]int
	changes atomic.Int64 // grows with everything that may have changed the state
}

func (l *ledger) touch() { l.changes.Add(1) }

func (l *ledger) add(record Record, unknown bool) {
	l.touch()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts, l.unknown = map[string]int{}, map[string]int{}
	}
	name := record.Service + ":" + record.Operation
	l.counts[name]++
	if unknown {
		l.unknown[name]++
	}
	if len(l.history) == maxHistory {
		l.history = slices.Clone(l.history[maxHistory/2:])
	}
	l.history = append(l.history, record)
}

// Calls counts the calls by "service:Operation", including refused ones.
func (s *Server) Calls() map[string]int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return maps.Clone(s.ledger.counts)
}

// History returns the calls in the order of their responses.
func (s *Server) History() []Record {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return slices.Clone(s.ledger.history)
}

// Unknown returns the operations that were called but that the simulator does
// not know, as "service:Operation", sorted.
func (s *Server) Unknown() []string {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return slices.Sorted(maps.Keys(s.ledger.unknown))
}

// ForgetCalls empties the counters, the history and the list of unknown
// operations.
func (s *Server) ForgetCalls() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.history, s.ledger.counts, s.ledger.unknown = nil, nil, nil
}
