package gate

import (
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

// Before returns the windows of an environment, and its freezes that have not ended, as what a
// deployment waits for, whether or not one of them is closed now.
func Before(env config.Environment, now time.Time) (gates []planned.Gate) {
	var windows, freezes []string
	for _, w := range env.Windows {
		windows = append(windows, describe(w))
	}
	for _, f := range env.Freezes {
		if one, err := spanOf(f); err == nil && now.Before(one.until) { // validation refuses others
			freezes = append(freezes, "from "+shown(one.from, one.zone)+" until "+shown(one.until, one.zone)+": "+one.why)
		}
	}
	if windows != nil {
		gates = append(gates, planned.Gate{Gate: string(Windows), Reason: "deployments begin " + strings.Join(windows, "; ")})
	}
	if freezes != nil {
		gates = append(gates, planned.Gate{Gate: string(Freezes), Reason: "nothing begins " + strings.Join(freezes, "; ")})
	}
	return gates
}

// Holding returns the gates of an environment that hold a plan.
func Holding(env config.Environment, p *planned.Plan) (gates []planned.Gate) {
	for _, one := range Evaluate(Known{Environment: env, Plan: p}).shut() {
		gates = append(gates, planned.Gate{Gate: string(one.Gate), Reason: one.Reason})
	}
	return gates
}
