package plan

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Gate is one kind of condition for the deployment of an environment. Every
// environment has a step for each gate; the output Open of the pipeline's own step
// decides whether the run waits there. A new kind needs a Gate in AllGates and an
// output of that step.
type Gate struct {
	Name  string // names its steps, as in approve-dev, and the template that waits
	Title string // for people: "Approve"
	// Open is the output of the pipeline's own step that lists the environments
	// with an open gate, in the format of OpenIn. All other environments wait, so a
	// missing output keeps all gates closed.
	Open string
	// Requires reports whether the configuration requires the gate.
	Requires func(config.Environment) bool
}

// Approval waits for a person.
var Approval = Gate{
	Name: "approve", Title: "Approve", Open: NoApproval,
	Requires: func(env config.Environment) bool { return env.RequiresApproval },
}

// AllGates lists the gates in the order in which a run passes them.
func AllGates() []Gate { return []Gate{Approval} }

// Step returns the name of the step that waits at the gate of an environment.
func (g Gate) Step(environment string) string { return g.Name + "-" + environment }

// OpenIn returns the value of the output Open: every environment that does not
// wait, with a comma before and after each, such as ",dev,test,".
func (g Gate) OpenIn(environments, waiting []string) string {
	return List(slices.DeleteFunc(slices.Clone(environments), func(name string) bool { return slices.Contains(waiting, name) }))
}

// List lists environments for a condition, with a comma before and after each, such as
// ",dev,test,"; "," is none.
func List(environments []string) string {
	list := ","
	for _, name := range environments {
		if name != "" {
			list += name + ","
		}
	}
	return list
}

// WaitsAt reports whether a step of that name waits at a gate.
func WaitsAt(step string) bool {
	return slices.ContainsFunc(AllGates(), func(g Gate) bool { return strings.HasPrefix(step, g.Step("")) })
}
