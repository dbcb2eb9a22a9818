package record

import (
	"encoding/json"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Decisions says who approved or rejected the deployments of the run, when and why, such as
// "prod approved by ada at 2026-11-28T09:00:00Z: ticket 4711".
func (d Document) Decisions() (all []string) {
	for _, step := range d.Steps {
		environment, outcomes := outcomesOf(step)
		for _, outcome := range outcomes {
			for _, decision := range outcome.Decisions {
				if text := environment + " " + decision.String(); !slices.Contains(all, text) {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// outcomesOf returns what the gates of an environment decided in a step that waits for them or deploys.
func outcomesOf(step stage.Record) (environment string, outcomes gate.Outcomes) {
	if environment = plan.WaitedFor(step.Step); environment != "" {
		_ = json.Unmarshal([]byte(step.Outputs["gates"]), &outcomes) // an older or incomplete record says nothing
		return environment, outcomes
	}
	var summary deploy.Summary
	if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) != nil {
		return "", nil
	}
	return plan.DeployedBy(step.Step), summary.Gates
}
