package gate

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Name names a gate, as its key in the configuration does.
type Name string

// The gates that people may override.
const (
	Windows    Name = "windows"
	Freezes    Name = "freezes"
	Stateful   Name = "stateful"
	Broadening Name = "broadening"
	Policy     Name = "policy"
)

// Names lists the gates that people may override, in the order in which they are evaluated.
func Names() []Name {
	var names []Name
	for _, g := range all {
		if g.Name() != Approval {
			names = append(names, g.Name())
		}
	}
	return names
}

// Gate is one condition for the beginning of a deployment.
type Gate interface {
	Name() Name
	// Declared reports whether the environment has the gate, or people closed it.
	Declared(Known) bool
	// Evaluate decides. It looks at nothing but what it is given.
	Evaluate(Known) Outcome
}

// all are the gates in their order. An approval comes first: a person may approve at night what is
// deployed in the morning. Those that look at the plan come last: it is made
// once the deployment has its lock.
var all = []Gate{approval{}, windows{}, freezes{}, stateful{}, broadening{}, policy{}}

// Known is what gates are evaluated with.
type Known struct {
	Now         time.Time
	Run         string
	Environment config.Environment
	Requires    bool       // whether the run requires an approval of the environment
	Decisions   []Decision // about the run there
	Wall        time.Time  // the time that decisions are compared with: Now may be one to try gates with
	Freeze      Freeze     // that a person made; the zero value is none
	Overrides   []Override // of this run and environment, and of plans of the commit there
	// Plan is what a deployment would change. With one, the gates that look at plans are
	// evaluated and no other; without one, the others.
	Plan *planned.Plan
}

// State is whether a gate lets a deployment begin.
type State string

// The states.
const (
	Open       State = "open"
	Waiting    State = "waiting"  // closed until a time
	Closed     State = "closed"   // until a person opens it
	Rejected   State = "rejected" // for good
	Overridden State = "overridden"
)

// Outcome is what a gate decided, and why.
type Outcome struct {
	Gate     Name      `json:"gate"`
	State    State     `json:"state"`
	Reason   string    `json:"reason"`
	Until    time.Time `json:"until,omitzero"`     // when a waiting gate opens, as far as is known now
	At       time.Time `json:"at"`                 // the time that it was evaluated for
	Evidence []string  `json:"evidence,omitempty"` // what a gate found in the plan, cut
	Stacks   []string  `json:"stacks,omitempty"`   // digests of what is planned for the stacks that have it
	Override *Override `json:"override,omitempty"` // of a person
	// Decisions are those that opened or rejected an approval.
	Decisions []Decision `json:"decisions,omitempty"`
}

// Outcomes are those of all gates of an environment, in their order.
type Outcomes []Outcome

// Evaluate evaluates all gates of an environment. One that is closed and that a person
// overrode says both.
func Evaluate(known Known) Outcomes {
	var outcomes Outcomes
	for _, g := range all {
		if !g.Declared(known) {
			continue
		}
		outcome := g.Evaluate(known)
		outcome.Gate, outcome.At = g.Name(), known.Now.UTC()
		if outcome.State != Open && g.Name() != Approval {
			at := slices.IndexFunc(known.Overrides, func(o Override) bool { return o.covers(outcome) })
			if at >= 0 {
				outcome.State, outcome.Override, outcome.Until = Overridden, &known.Overrides[at], time.Time{}
			}
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

// Pass reports whether the deployment may begin.
func (o Outcomes) Pass() bool { return len(o.shut()) == 0 }

func (o Outcomes) shut() Outcomes {
	return slices.DeleteFunc(slices.Clone(o), func(one Outcome) bool { return one.State == Open || one.State == Overridden })
}

// Until returns when all gates may be open; zero if only a person knows.
func (o Outcomes) Until() (until time.Time) {
	for _, one := range o.shut() {
		if one.State != Waiting {
			return time.Time{}
		}
		if one.Until.After(until) {
			until = one.Until
		}
	}
	return until
}

// Reason says why the deployment may not begin.
func (o Outcomes) Reason() string {
	var reasons []string
	for _, one := range o.shut() {
		reasons = append(reasons, one.Reason)
	}
	return strings.Join(reasons, "; ")
}

// Rejected reports whether a person rejected the deployment, so that nothing is left to wait for.
func (o Outcomes) Rejected() bool {
	return slices.ContainsFunc(o, func(one Outcome) bool { return one.State == Rejected })
}

// Gates names the gates that are not open.
func (o Outcomes) Gates() string {
	var names []string
	for _, one := range o.shut() {
		names = append(names, string(one.Gate))
	}
	return strings.Join(names, ",")
}

// Log writes what each gate decided.
func (o Outcomes) Log(log *slog.Logger) {
	for _, one := range o {
		log.Info("gate", "gate", string(one.Gate), "state", string(one.State), "reason", one.Reason)
		if by := one.Override; by != nil {
			log.Warn("a person lets the run pass a gate that is closed", "gate", string(one.Gate), "by", by.By, "attested", by.Attested, "why", by.Why)
		}
	}
}

// Held returns an error of kind Held if the deployment may not begin.
func (o Outcomes) Held(run, environment string) error {
	if o.Pass() {
		return nil
	}
	if shut := o.shut(); slices.ContainsFunc(shut, func(one Outcome) bool { return len(one.Stacks) > 0 }) {
		return errs.Heldf("the deployment of environment %s is held: %s", environment, o.Reason()).
			WithHint("if that is intended: generator override %s --run %s --gate %s --why …, then generator retry %s --environment %s", environment, run, o.Gates(), run, environment)
	}
	switch shut := o.shut(); {
	case o.Rejected():
		return errs.Heldf("the deployment of environment %s was rejected: %s", environment, o.Reason()).
			WithHint("push a commit that does better; to ask again: generator retry %s --environment %s", run, environment)
	case len(shut) == 1 && shut[0].Gate == Approval:
		return errs.Heldf("the deployment of environment %s may not begin: %s", environment, o.Reason()).
			WithHint("to ask again: generator retry %s --environment %s", run, environment)
	}
	return errs.Heldf("the deployment of environment %s may not begin: %s", environment, o.Reason()).
		WithHint("once it may: generator retry %s --environment %s; to let a run pass: generator override", run, environment)
}
