package gate_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

// FuzzRule holds that no rule of a repository makes a deployment panic or wait, and that one
// which is refused, or cannot be evaluated, lets nothing pass.
func FuzzRule(f *testing.F) {
	for _, rule := range []string{
		"plan.stacks.all(s, s.changes.all(c, c.type != 'AWS::IAM::User'))", "plan.destructive", "size(plan.stacks) / 0 == 1", "plan.stacks.map(s, plan.stacks.map(t, s.name + t.name)).size() < 9",
		"'a'.matches('(a+)+$') || plan.nothing", "sets.contains(plan.preDeploy, ['x']) ? true : false", "\"\x1b[31m\"", "[[1]].exists(x, x[7] == 1)",
	} {
		f.Add(rule)
	}
	plan := &planned.Plan{Environment: "prod", Stacks: []planned.Stack{{Stack: "Api", Name: "api", Intent: planned.WillUpdate, Changes: []planned.Resource{{Action: "add", LogicalID: "A", Type: "AWS::IAM::User"}}}}}
	f.Fuzz(func(t *testing.T, rule string) {
		if len(rule) > 2000 { // the configuration refuses it
			return
		}
		began := time.Now()
		_, _, problem := gate.CheckRule(rule)
		if strings.ContainsFunc(problem, unicode.IsControl) {
			t.Errorf("%q: %q", rule, problem)
		}
		outcomes := gate.Evaluate(gate.Known{Plan: plan, Environment: config.Environment{Name: "prod", Policy: []config.Rule{{Rule: rule, Message: "no"}}}})
		if len(outcomes) != 1 || problem != "" && outcomes.Pass() {
			t.Errorf("%q: %v passes, although %s", rule, outcomes, problem)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%q: took %s", rule, took)
		}
	})
}
