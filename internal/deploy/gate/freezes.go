package gate

import (
	"cmp"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// freezes is the gate of the freezes of an environment: those of its configuration, and the
// one that a person made, which no commit takes away.
type freezes struct{}

func (freezes) Name() Name { return Freezes }

func (freezes) Declared(k Known) bool {
	return k.Plan == nil && (len(k.Environment.Freezes) > 0 || k.Freeze.Why != "")
}

// Evaluate looks for freezes that have the present time. Until is the end of all that follow
// one another.
func (freezes) Evaluate(k Known) Outcome {
	if f := k.Freeze; f.holds(k.Now) && f.Until.IsZero() {
		return Outcome{State: Closed, Reason: "it is frozen until a person ends that (generator unfreeze " + k.Environment.Name + "): " + f.Why + by(f)}
	}
	spans, err := spansOf(k)
	if err != nil { // validation refuses it
		return Outcome{State: Closed, Reason: "its freezes cannot be read: " + err.Error()}
	}
	var outcome Outcome
	for at, grew := k.Now, true; grew; {
		grew = false
		for _, one := range spans {
			if !at.Before(one.from) && at.Before(one.until) {
				outcome.Reason, outcome.Until = cmp.Or(outcome.Reason, "it is frozen until "+shown(one.until, one.zone)+": "+one.why), one.until
				at, grew = one.until, true
			}
		}
	}
	if outcome.Reason == "" {
		return Outcome{State: Open, Reason: "no freeze has begun"}
	}
	outcome.State = Waiting
	if f := k.Freeze; f.holds(outcome.Until) && f.Until.IsZero() {
		outcome.State, outcome.Until = Closed, time.Time{}
	}
	return outcome
}

// span is a freeze that ends.
type span struct {
	from, until time.Time
	why         string
	zone        *time.Location
}

func spansOf(k Known) (all []span, err error) {
	if f := k.Freeze; f.Why != "" && !f.Until.IsZero() {
		all = append(all, span{f.From, f.Until, f.Why + by(f), time.UTC})
	}
	for _, f := range k.Environment.Freezes {
		one, err := spanOf(f)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func spanOf(f config.Freeze) (one span, err error) {
	zone, err := time.LoadLocation(f.Timezone)
	if err != nil {
		return one, err
	}
	from, err := config.Moment(f.From, zone)
	if err != nil {
		return one, err
	}
	until, err := config.Moment(f.Until, zone)
	return span{from, until, f.Why, zone}, err
}

func by(f Freeze) string {
	if f.By == "" {
		return ""
	}
	return " (" + f.By + ")"
}
