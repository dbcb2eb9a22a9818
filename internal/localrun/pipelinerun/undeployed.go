package pipelinerun

import (
	"encoding/json"

	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// undeployed lists the stacks of the app that no environment deploys, and reports whether
// there are any.
func (s *summary) undeployed(result localrun.Result) bool {
	for _, step := range result.Steps {
		var paths []string
		if step.Name != plan.Pipeline || json.Unmarshal([]byte(step.Outputs[stage.UndeployedOutput]), &paths) != nil || len(paths) == 0 {
			continue
		}
		s.line("\n%s", s.style(screen.Yellow, "Stacks of the app that no environment deploys"))
		for _, path := range paths {
			s.line("  %s", path)
		}
		return true
	}
	return false
}

// removed lists the stacks that an earlier run deployed and that are gone from the
// app or the configuration, and reports whether there are any. The command that deletes
// one would otherwise reach a real stack of that name.
func (l *localRun) removed(s *summary, result localrun.Result) bool {
	found := false
	for _, step := range result.Steps {
		for _, stack := range stage.ParseRemoved(step.Outputs[stage.RemovedOutput]) {
			if !found {
				s.line("\n%s", s.style(screen.Yellow, "Stacks that earlier runs deployed and that are gone from the app or the configuration"))
			}
			s.line("  %s", stack)
			found = true
		}
	}
	if found && l.cloud.Simulated() {
		s.line("  their accounts are simulated: commands reach them with the variables that generator simulate --state %s prints, and AWS without", state.Short(l.state.Dir))
	}
	return found
}
