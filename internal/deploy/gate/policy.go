package gate

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Limits of a rule, which the repository writes.
const (
	mostOfCost = 5_000_000 // in CEL's own unit: a second or so
	mostOfTime = 20 * time.Second
)

// language is what rules are written in: CEL with the plan by the names of its JSON form, and the
// functions of texts and sets.
var language = sync.OnceValues(func() (*cel.Env, error) {
	plan := reflect.TypeFor[planned.Plan]()
	return cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTag("json"), plan), ext.Strings(), ext.Sets(),
		cel.Variable("plan", cel.ObjectType(plan.String())),
	)
})

// CheckRule reports what is wrong with a rule: what it refers to must exist, and it must be
// true or false. Line and column are those in the rule, from 1; 0 if they are not known.
func CheckRule(rule string) (line, column int, problem string) {
	_, line, column, problem = compiled(rule)
	return line, column, problem
}

func compiled(rule string) (ast *cel.Ast, line, column int, problem string) {
	env, err := language()
	if err != nil {
		return nil, 0, 0, err.Error()
	}
	ast, issues := env.Compile(rule)
	if found := issues.Errors(); len(found) > 0 {
		first := found[0]
		return nil, first.Location.Line(), first.Location.Column() + 1, errs.OneLine(first.Message)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, 0, 0, "expected true or false, but it is of the type " + ast.OutputType().String()
	}
	return ast, 0, 0, ""
}

// policy is the gate of the rules of an environment.
type policy struct{}

func (policy) Name() Name { return Policy }

func (policy) Declared(k Known) bool { return k.Plan != nil && len(k.Environment.Policy) > 0 }

// Evaluate evaluates all rules. One that cannot be evaluated is broken.
func (policy) Evaluate(k Known) Outcome {
	var broken findings
	for _, rule := range k.Environment.Policy {
		kept, err := follows(rule, k.Plan)
		switch {
		case err != nil:
			broken.say(rule.Message + " (the rule cannot be evaluated: " + err.Error() + ")")
		case !kept:
			broken.say(rule.Message)
		}
	}
	if broken.count > 0 { // a rule is one of the whole plan
		for _, s := range k.Plan.Stacks {
			if !s.Stays() {
				broken.of(k.Plan, s)
			}
		}
	}
	return broken.outcome("all rules are followed", planned.Count(broken.count, "rule")+" of policy "+are(broken.count)+" broken")
}

// follows evaluates a rule.
func follows(rule config.Rule, p *planned.Plan) (bool, error) {
	ast, _, _, problem := compiled(rule.Rule)
	if problem != "" {
		return false, errs.Invalidf("%s", problem)
	}
	env, err := language()
	if err != nil {
		return false, err
	}
	program, err := env.Program(ast, cel.CostLimit(mostOfCost), cel.InterruptCheckFrequency(1000))
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), mostOfTime)
	defer cancel()
	value, _, err := program.ContextEval(ctx, map[string]any{"plan": p})
	if err != nil {
		return false, err
	}
	kept, is := value.Value().(bool)
	if !is {
		return false, fmt.Errorf("it is %v", value.Type())
	}
	return kept, nil
}
