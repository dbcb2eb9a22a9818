// Package stages is the list of the stages that a pipeline is made of, in the
// order in which a run meets them.
package stages

import (
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages/build"
	"github.com/aphex/aphex-pipeline/stages/deploy"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
	"github.com/aphex/aphex-pipeline/stages/reconcile"
	"github.com/aphex/aphex-pipeline/stages/record"
	"github.com/aphex/aphex-pipeline/stages/test"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// Contracts gives the contract of every stage.
func Contracts() plan.Stages {
	return plan.Stages{
		Validation:  validation.Contract(),
		Build:       build.Contract(),
		Pipeline:    pipeline.Contract(),
		Environment: deploy.Contract(),
		Test:        test.Contract(),
		Record:      record.Contract(),
		Reconcile:   reconcile.Contract(),
	}
}
