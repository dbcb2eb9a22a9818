package plan

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Gate is one kind of condition that must hold before an environment is deployed.
// Every environment has a step for each gate: whether the run waits there is
// decided in the run, by the output Open of the pipeline's own step. A new kind
// is a Gate in AllGates, and an output of that step.
type Gate struct {
	Name  string // names its steps, as in approve-dev, and the template that waits
	Title string // for people: "Approve"
	// Open is the output of the pipeline's own step that lists the environments
	// where nothing is waited for, as OpenIn writes it. An environment that is not
	// in it waits, so that an output that is missing lets nothing through.
	Open string
	// Requires reports whether the configuration asks for the gate.
	Requires func(config.Environment) bool
}

// Approval waits for a person.
var Approval = Gate{
	Name: "approve", Title: "Approve", Open: NoApproval,
	Requires: func(env config.Environment) bool { return env.RequiresApproval },
}

// AllGates lists the gates in the order in which a run passes them.
func AllGates() []Gate { return []Gate{Approval} }

// Step names the step that waits at the gate of an environment.
func (g Gate) Step(environment string) string { return g.Name + "-" + environment }

// OpenIn writes the value of the output Open: every environment that does not
// wait, with a comma before and after each, as ",dev,test,".
func (g Gate) OpenIn(environments, waiting []string) string {
	open := ","
	for _, name := range environments {
		if name != "" && !slices.Contains(waiting, name) {
			open += name + ","
		}
	}
	return open
}

// WaitsAt reports whether a step of that name waits at a gate.
func WaitsAt(step string) bool {
	return slices.ContainsFunc(AllGates(), func(g Gate) bool { return strings.HasPrefix(step, g.Step("")) })
}
