package pipelinerun

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/planning"
)

// Outputs of the step that plans.
var (
	plansOutput   = stages.Output("plans")
	plannedOutput = stages.Output("planned")
)

// plans prints the plans of a check, as the bucket holds them.
func (s *summary) plans(ctx context.Context, l *localRun, place plan.Place, result localrun.Result) {
	for _, step := range result.Steps {
		var all []planning.Summary
		if json.Unmarshal([]byte(step.Outputs[plannedOutput]), &all) != nil {
			continue // the step did not get so far, or is another one
		}
		for _, one := range all {
			data, err := l.cloud.Read(ctx, place, one.Key)
			p := &planned.Plan{}
			if err == nil {
				err = json.Unmarshal(data, p)
			}
			if err != nil {
				s.line("\nCannot read the plan of %s: %v", one.Environment, err)
				continue
			}
			s.line("\n%s", strings.TrimSuffix(p.Text(s.color), "\n"))
		}
	}
}

// afterPlan prints what to do after a plan.
func (l *localRun) afterPlan(s *summary, result localrun.Result) {
	if result.Status != localrun.Succeeded {
		s.line("  commit a change, and run the same command again")
		return
	}
	s.line("  deploy the commit to the same accounts: the command without --plan")
}
