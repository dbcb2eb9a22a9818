package validation

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
)

// policies finds rules that cannot be evaluated, before a deployment is held by one.
func policies(dir, file string, cfg *config.Config) (found []Finding) {
	for i, env := range cfg.Environments {
		for j, rule := range env.Policy {
			line, column, problem := gate.CheckRule(rule.Rule)
			if problem == "" {
				continue
			}
			at := ""
			if line > 0 {
				at = fmt.Sprintf(" (line %d, column %d of the rule)", line, column)
			}
			found = append(found, Finding{
				Severity: Error, Check: "policy", Where: file, Path: fmt.Sprintf("environments[%d].policy[%d].rule", i, j), What: "the rule is not valid: " + problem + at,
				Fix: "plan has the members of schema/plan.schema.json; the language is CEL",
			})
		}
	}
	if found == nil {
		return nil
	}
	source, err := config.Read(dir, file)
	if err != nil { // it was read before, by whoever parsed it
		return found
	}
	for i, finding := range found {
		found[i].Where = place(file, config.ProblemAt(file, source, finding.Path, finding.What, finding.Fix))
	}
	return found
}
