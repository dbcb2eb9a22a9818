package config

import (
	"fmt"
	"slices"
)

// Rule is a rule that the plan of a deployment follows.
type Rule struct {
	// An expression in CEL, the Common Expression Language, that is true of a plan which
	// follows the rule. `plan` is the plan in the form of `schema/plan.schema.json`.
	Rule string `json:"rule" need:"always" rule:"expression" example:"plan.stacks.all(s, s.changes.all(c, c.type != 'AWS::IAM::User'))"`

	// What to tell whoever deploys a plan that does not follow it.
	Message string `json:"message" need:"always" rule:"line" example:"people sign in with roles, see the handbook"`
}

var policyRules = map[string]rule{
	"expression": {
		expect:  "an expression in CEL, at most 2000 characters",
		pattern: `\S`,
		most:    2000,
		check:   nulProblem,
	},
	// CloudFormation, "Template resources": alphanumeric and unique in a template.
	"logicalId": {
		expect:  "the logical id of a resource: letters and digits",
		pattern: `^[A-Za-z0-9]+$`,
		most:    255,
	},
}

// LooksAtPlan reports whether a gate of the environment looks at the plan of a deployment.
func (e Environment) LooksAtPlan() bool { return len(e.HoldOn)+len(e.Policy) > 0 }

// checkPlanGates refuses acknowledgements that nothing asks for, and what is listed twice.
func checkPlanGates(r *report, env Environment, path string) {
	checkTwice(r, "logical id", path+".acknowledge[%d]", env.Acknowledge)
	var names []string
	for _, name := range env.HoldOn {
		names = append(names, string(name))
	}
	checkTwice(r, "gate", path+".holdOn[%d]", names)
	if len(env.Acknowledge) > 0 && !slices.Contains(env.HoldOn, HoldStateful) {
		r.atPath(fmt.Sprintf("%s.acknowledge", path), "nothing asks for acknowledgements in environment %s", env.Name).
			Hint = "add stateful to holdOn, or remove acknowledge"
	}
}
