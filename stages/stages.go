// Package stages lists the stages of a pipeline.
package stages

import (
	"slices"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
	"github.com/aphex/aphex-pipeline/stages/build"
	"github.com/aphex/aphex-pipeline/stages/deploy"
	"github.com/aphex/aphex-pipeline/stages/gate"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
	"github.com/aphex/aphex-pipeline/stages/planning"
	"github.com/aphex/aphex-pipeline/stages/reconcile"
	"github.com/aphex/aphex-pipeline/stages/record"
	"github.com/aphex/aphex-pipeline/stages/test"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// Contracts returns the contract of every stage.
func Contracts() plan.Stages {
	return plan.Stages{
		validation.Contract(),
		planning.Contract(),
		build.Contract(),
		pipeline.Contract(),
		gate.Contract(),
		deploy.Contract(),
		test.Contract(),
		record.Contract(),
		reconcile.Contract(),
	}
}

var all = sync.OnceValue(Contracts)

// Variable returns the environment variable of an input of any stage, such as
// APHEX_COMMIT. It panics if no stage has the input, which is a programming error
// that the tests find.
func Variable(input string) string {
	for _, c := range all() {
		if param, found := c.Input(input); found {
			return param.Env
		}
	}
	panic("no stage has the input " + input)
}

// Output returns the name of an output of any stage, and panics if no stage has it.
func Output(name string) string {
	leaves := func(c contract.Contract) bool {
		_, found := c.Output(name)
		return found
	}
	if !slices.ContainsFunc(all(), leaves) {
		panic("no stage has the output " + name)
	}
	return name
}
