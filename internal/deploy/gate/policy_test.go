package gate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
)

func TestARuleOfThePolicyHoldsAPlanThatBreaksIt(t *testing.T) {
	for rule, kept := range map[string]bool{
		`!plan.destructive`: false,
		`plan.broader`:      true,
		`plan.environment != 'dev' || plan.stacks.size() < 2`:                                            true,
		`plan.stacks.all(s, s.changes.all(c, c.type != 'AWS::IAM::Role'))`:                               false,
		`plan.stacks.exists_one(s, s.intent == 'unchanged')`:                                             true,
		`plan.stacks.map(s, s.changes.filter(c, c.action == 'remove').size()).all(n, n < 2)`:             true,
		`plan.stacks.all(s, s.broader.all(b, !b.text.contains('s3:*')))`:                                 false,
		`plan.stacks.all(s, s.changes.all(c, c.data != 'deleted' || c.logicalId.startsWith('Scratch')))`: false,
		`plan.stacks[7].intent == 'update'`:                                                              false,
		`plan.stacks.all(a, plan.stacks.all(b, plan.stacks.all(c, plan.stacks.all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, [1,2,3,4,5,6,7,8,9].all(h, [1,2,3,4,5,6,7,8,9].all(i, [1,2,3,4,5,6,7,8,9].all(j, true))))))))))`: false,
	} {
		known := holding()
		known.Environment.Policy = []config.Rule{{Rule: "true", Message: "always"}, {Rule: rule, Message: "see the handbook"}}
		_, _, problem := gate.CheckRule(rule)
		require.Empty(t, problem, rule)
		outcome := gate.Evaluate(known)[0]
		assert.Equal(t, kept, outcome.State == gate.Open, "%s: %s", rule, outcome.Reason)
		if !kept {
			assert.Contains(t, outcome.Reason, "1 rule of policy is broken: see the handbook")
			assert.Len(t, outcome.Stacks, 2, "an override is one of all stacks that change")
		}
	}
}

func TestARuleThatCannotBeIsFoundWithItsPlace(t *testing.T) {
	for rule, c := range map[string]struct {
		line, column int
		problem      string
	}{
		"plan.destructiv":            {1, 5, "undefined field 'destructiv'"},
		"true &&\n  plans.broader":   {2, 3, "undeclared reference to 'plans'"},
		"plan.stacks.all(s, s.size(": {1, 27, "Syntax error"},
		"plan.stacks.size()":         {0, 0, "expected true or false, but it is of the type int"},
		"plan.commit == 3":           {1, 13, "no matching overload"},
		"plan.kept":                  {1, 5, "undefined field"},
	} {
		line, column, problem := gate.CheckRule(rule)
		assert.Contains(t, problem, c.problem, rule)
		assert.Equal(t, []int{c.line, c.column}, []int{line, column}, rule)
		known := holding()
		known.Environment.Policy = []config.Rule{{Rule: rule, Message: "see the handbook"}}
		assert.False(t, gate.Evaluate(known).Pass(), "it is not followed")
	}
}
