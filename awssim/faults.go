package awssim

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Kind is the effect of a fault.
type Kind int

const (
	// Throttle refuses the call with the service's own error for too many requests.
	Throttle Kind = iota
	// Status answers with Rule.Status, by default 500.
	Status
	// Drop closes the connection without an answer.
	Drop
	// Delay waits for Rule.Delay and then continues with the call.
	Delay
	// ExpiredToken refuses the call as if the session had expired.
	ExpiredToken
	// Refuse answers with Rule.Code, Rule.Message and Rule.Status.
	Refuse
)

// Rule is a scripted fault for calls that match all of its non-empty fields.
type Rule struct {
	Service   string
	Operation string
	Account   string
	Region    string
	Target    *regexp.Regexp     // fits the record's Target
	Match     func(*Record) bool // any further condition
	Skip      int                // how many fitting calls pass before the first fault
	Times     int                // how many calls it hits; 0 means for ever

	Kind    Kind
	Status  int           // of Status and Refuse
	Code    string        // of Refuse
	Message string        // of Refuse
	Delay   time.Duration // of Delay, in simulated time
	// AfterEffect lets the call take effect first, so that only its response is
	// lost or replaced.
	AfterEffect bool
}

// faults are the rules with their remaining counts.
type faults struct {
	mu    sync.Mutex
	rules []*Rule
}

// Fail adds a scripted fault. Rules are tried in the order in which they were added;
// the first that matches applies.
func (s *Server) Fail(rule Rule) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if rule.Times == 0 {
		rule.Times = -1
	}
	s.faults.rules = append(s.faults.rules, &rule)
}

// Heal removes all scripted faults.
func (s *Server) Heal() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
}

// next returns the fault for a call; nil is none.
func (f *faults) next(record *Record) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if rule.Times == 0 || !rule.fits(record) {
			continue
		}
		if rule.Skip > 0 {
			rule.Skip--
			continue
		}
		if rule.Times > 0 {
			rule.Times--
		}
		return rule
	}
	return nil
}

func (r *Rule) fits(record *Record) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(r.Service, record.Service) && same(r.Operation, record.Operation) && same(r.Account, record.Account) &&
		same(r.Region, record.Region) && (r.Target == nil || r.Target.MatchString(record.Target)) && (r.Match == nil || r.Match(record))
}

// strike applies the fault. It returns nil if the call continues.
func (r *Rule) strike(ctx context.Context, clock *Clock) error {
	switch r.Kind {
	case Throttle:
		return wire.Commonf(wire.Throttled, "Rate exceeded")
	case Drop:
		panic(http.ErrAbortHandler) // closes the connection
	case Delay:
		return clock.Sleep(ctx, r.Delay)
	case ExpiredToken:
		return wire.Commonf(wire.ExpiredToken, "The security token included in the request is expired")
	case Refuse:
		return &wire.Error{Code: r.Code, Message: r.Message, Status: r.Status}
	}
	switch r.Status {
	case http.StatusServiceUnavailable:
		return wire.Commonf(wire.ServiceUnavailable, "Service is unavailable. Please retry.")
	case 0, http.StatusInternalServerError:
		return wire.Commonf(wire.InternalError, "We encountered an internal error. Please try again.")
	}
	return wire.Commonf(wire.InternalError, "A scripted fault.").WithStatus(r.Status)
}
