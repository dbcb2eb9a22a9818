package pipelinerun

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// Outputs of stages that the summary prints.
var (
	artifactOutput = stages.Output("artifact")
	resultOutput   = stages.Output("result")
	summaryOutput  = stages.Output("summary")
	stackOutputs   = stages.Output("outputs")
)

// conclude prints the summary of the run and of the one that it handed over to. It
// returns an error unless the run succeeded, with the cause that the stage recorded.
func (l *localRun) conclude(ctx context.Context, place plan.Place, runs []localrun.Result) error {
	s := &summary{console: newConsole(l.Out)}
	last := runs[len(runs)-1]
	s.line("")
	for _, run := range runs[:len(runs)-1] {
		s.line("%s", s.style(screen.Bold, fmt.Sprintf("%s handed over to %s in %s", run.Name, last.Name, seconds(run.Ended.Sub(run.Started)))))
	}
	s.line("%s", s.style(screen.Bold, fmt.Sprintf("%s %s %s", last.Name, ended(last.Status), seconds(last.Ended.Sub(last.Started)))))
	whole := localrun.Result{Name: last.Name, Status: last.Status}
	for _, run := range runs {
		s.stages(run, len(runs) > 1, l.requiresApproval)
		whole.Steps = append(whole.Steps, run.Steps...)
	}
	unreached := !l.Plan && l.unreached(s, last)
	changed := s.stacks(whole)
	undeployed := s.undeployed(whole)
	removed := l.removed(s, whole)
	s.outputs(context.WithoutCancel(ctx), l, place, whole)
	s.plans(context.WithoutCancel(ctx), l, place, whole)
	cause := causeOf(whole)
	if cause != nil {
		heading := s.style(screen.Red, "Cause")
		if whole.Status == localrun.Stopped {
			heading = s.style(screen.Yellow, "Stopped")
		}
		s.line("\n%s\n  %s: %s", heading, cause.step, screen.Inert(cause.Error))
		if cause.Hint != "" {
			s.line("  hint: %s", strings.ReplaceAll(cause.Hint, "\n", "\n        "))
		}
	}
	l.where(s, place, whole, runs)
	if whole.Status != localrun.Stopped {
		l.next(s, whole, changed, unreached || undeployed || removed)
	}
	l.page(ctx, s, place, last.Name)
	if _, err := fmt.Fprint(s.inert(), s.text.String()); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	return verdict(whole, cause)
}

// ended returns the words before the duration of a run.
func ended(status localrun.Status) string {
	if status == localrun.Stopped {
		return "stopped after"
	}
	return strings.ToLower(string(status)) + " in"
}

// unreached lists the environments that the commit declares and that the run does not
// deploy, with the reason. It reports whether there are any.
func (l *localRun) unreached(s *summary, run localrun.Result) bool {
	if l.Asked != nil { // a person chose the others
		return false
	}
	known, reason := map[string]bool{}, "the run stopped before it updated its pipeline to the one that the commit declares"
	for _, step := range run.Steps {
		known[step.Name] = step.Status != localrun.Skipped
		if step.Name != plan.Pipeline || step.Status != localrun.Succeeded {
			continue
		}
		reason = "the pipeline was updated to the commit for the next run: run the same command again"
		if step.Outputs[resultOutput] == pipeline.Kept {
			reason = "the pipeline could not be updated and is unchanged: see the warning of its step"
		}
	}
	found := false
	leftOut := l.leftOut()
	for _, env := range l.cfg.Environments {
		if known[plan.Deploy(env.Name)] {
			continue
		}
		reason := reason
		if leftOut(plan.Deploy(env.Name)) {
			reason = "left out by --only or --from"
		}
		if !found {
			s.line("\n%s", s.style(screen.Yellow, "Environments that this run does not deploy"))
		}
		s.line("  %-16s %s", env.Name, reason)
		found = true
	}
	return found
}

// summary collects the lines of the summary.
type summary struct {
	*console
	text strings.Builder
}

func (s *summary) line(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }

// requiresApproval reports whether the run waits at a gate that it has not reached: the
// commit declares an approval, or takes one away.
func (l *localRun) requiresApproval(gate string) bool {
	if slices.ContainsFunc(l.gates, func(name string) bool { return plan.Wait(name) == gate }) {
		return true
	}
	return slices.ContainsFunc(l.cfg.Environments, func(env config.Environment) bool {
		return plan.Wait(env.Name) == gate && (plan.RequiresApproval(env) || env.Waits())
	})
}

// stages lists the steps of a run except skipped ones: gates without an approval, and
// steps that another run continues with. Every environment has a gate; one that was not
// reached is left out too unless it requires an approval.
func (s *summary) stages(result localrun.Result, named bool, required func(gate string) bool) {
	heading := "Stages"
	if named {
		heading += " of " + result.Name
	}
	s.line("\n%s", s.style(screen.Bold, heading))
	width := 16
	for _, step := range result.Steps {
		width = max(width, screen.Width(step.Name))
	}
	for _, step := range result.Steps {
		if step.Status == localrun.Skipped || step.Status == localrun.Omitted && plan.WaitedFor(step.Name) != "" && !required(step.Name) {
			continue
		}
		took := ""
		if !step.Started.IsZero() {
			took = seconds(step.Ended.Sub(step.Started))
		}
		word := strings.ToLower(string(step.Status))
		s.line("  %s %-*s %8s  %s", s.style(styleOf(step.Status), mark(step.Status)), width, step.Name, took, remark(step, word))
	}
}

func remark(step localrun.StepResult, word string) string {
	switch {
	case step.Status == localrun.Omitted:
		return step.Message
	case step.Status == localrun.Stopped:
		return step.Message
	case step.Status != localrun.Succeeded && step.Message != "":
		return word + ": " + step.Message
	case step.Attempts > 1:
		return fmt.Sprintf("%s after %d attempts", word, step.Attempts)
	}
	return word
}

// summaries reads the stack summaries of the deployments.
func summaries(result localrun.Result) []deploy.Summary {
	var all []deploy.Summary
	for _, step := range result.Steps {
		var one deploy.Summary
		if json.Unmarshal([]byte(step.Outputs[summaryOutput]), &one) == nil && len(one.Stacks) > 0 {
			all = append(all, one)
		}
	}
	return all
}

// stacks prints the stacks and reports whether any of them changed.
func (s *summary) stacks(result localrun.Result) (changed bool) {
	all := summaries(result)
	environment, name, region := 10, 18, 14 // widths of the columns
	for _, env := range all {
		environment = max(environment, screen.Width(env.Environment))
		for _, stack := range env.Stacks {
			name, region = max(name, screen.Width(stack.Name)), max(region, screen.Width(stack.Region))
		}
	}
	if len(all) > 0 {
		s.line("\n%s", s.style(screen.Bold, "Stacks"))
	}
	for _, env := range all {
		for _, stack := range env.Stacks {
			changed = changed || stack.Action != "unchanged"
			s.line("  %-*s %-*s %-*s %-10s %6.1fs  %s", environment, env.Environment, name, stack.Name, region, stack.Region, stack.Action, stack.Seconds, stack.Changes)
		}
	}
	return changed
}

// outputs prints the outputs of the deployed stacks, as the bucket holds them.
func (s *summary) outputs(ctx context.Context, l *localRun, place plan.Place, result localrun.Result) {
	for _, step := range result.Steps {
		key := step.Outputs[stackOutputs]
		if key == "" {
			continue
		}
		data, err := l.cloud.Read(ctx, place, key)
		var values map[string]map[string]string
		if err != nil || json.Unmarshal(data, &values) != nil {
			s.line("\nCannot read the outputs of %s: %v", step.Name, err)
			continue
		}
		var lines []string
		for _, stack := range keys(values) {
			for _, key := range keys(values[stack]) {
				if !deploy.IsWiring(key) {
					lines = append(lines, fmt.Sprintf("  %-36s %s", stack+"."+key, oneLine(values[stack][key])))
				}
			}
		}
		if len(lines) > 0 {
			s.line("\n%s\n%s", s.style(screen.Bold, "Outputs of "+plan.DeployedBy(step.Name)), strings.Join(lines, "\n"))
		}
	}
}

// oneLine writes an output that has line breaks or control characters as a Go string.
func oneLine(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for key := range m {
		all = append(all, key)
	}
	sort.Strings(all)
	return all
}

// where prints the locations of the run's results.
func (l *localRun) where(s *summary, place plan.Place, result localrun.Result, runs []localrun.Result) {
	s.line("\n%s", s.style(screen.Bold, "Where"))
	for _, step := range result.Steps {
		if key := step.Outputs[artifactOutput]; key != "" {
			s.line("  artifact  %s", state.Short(l.cloud.Object(place, key)))
		}
		if key := step.Outputs[plansOutput]; key != "" {
			s.line("  plans     %s", state.Short(l.cloud.Object(place, key)))
		}
	}
	for _, run := range runs {
		s.line("  metadata  %s", state.Short(l.cloud.Object(place, bucket.RunRecordKey(run.Name))))
		s.line("  logs      %s", state.Short(filepath.Join(l.state.Run(run.Name), "logs")))
	}
	s.line("  pipeline  %s", state.Short(l.state.Objects()))
	for _, step := range result.Steps {
		if l.Keep && step.Status == localrun.Succeeded && step.Volume != "" {
			s.line("  kept of %s  %s", step.Name, state.Short(step.Volume))
		}
		if (step.Status == localrun.Failed || step.Status == localrun.Stopped) && step.Volume != "" {
			s.line("  left by %s  %s", step.Name, state.Short(step.Volume))
		}
	}
}

// page prints where the page of the run is, if it was stored.
func (l *localRun) page(ctx context.Context, s *summary, place plan.Place, run string) {
	key := bucket.RunPageKey(run)
	if _, err := l.cloud.Read(context.WithoutCancel(ctx), place, key); err != nil {
		return
	}
	s.line("\n%s\n  %s", s.style(screen.Bold, "Page"), state.Short(l.cloud.Object(place, key)))
}

// next prints what to do next.
func (l *localRun) next(s *summary, result localrun.Result, changed, incomplete bool) {
	s.line("\n%s", s.style(screen.Bold, "Next"))
	switch {
	case l.Plan:
		l.afterPlan(s, result)
	case unapproved(result):
		s.line("  run the same command again and answer y, or pass --yes")
	case l.Asked != nil:
		s.line("  what is in which environment: generator status --state %s", state.Short(l.state.Dir))
	case result.Status != localrun.Succeeded:
		s.line("  fix the cause, commit the change, and run the same command again")
		if from := l.resumable(result); from != "" {
			s.line("  if the cause is not in the commit, go on with the same artifact: --from %s", from)
		}
	case changed:
		s.line("  run the same command again: nothing changed, so nothing is deployed")
		s.line("  add an environment to %s and commit: the run of that commit deploys it", l.Config)
	case incomplete:
		s.line("  nothing changed in what this run deploys; what it does not deploy is listed above")
	default:
		s.line("  nothing changed: every stack is up to date")
		s.line("  change a stack in %s, commit, and run the same command again", state.Short(l.src.Top))
	}
}
