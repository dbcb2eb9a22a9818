package record

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Limits of what an event has of a run, which others wrote.
const (
	mostOfText   = 2000 // bytes
	mostOfStacks = 500  // of an environment
)

// inert returns a text of others as one line without control characters, and cut.
func inert(text string) string {
	text = screen.Inert(strings.Join(strings.Fields(text), " "))
	if len(text) > mostOfText {
		text = strings.ToValidUTF8(text[:mostOfText], "") + "…"
	}
	return text
}

// eventOf returns the end of a run as an event.
func eventOf(d Document, in Input, recovered bool) event.Event {
	created, _ := time.Parse(time.RFC3339, d.Created) // without one it has none
	run := event.Run{
		Pipeline: in.Pipeline, Run: d.Workflow, Outcome: outcomeOf(d.Status), Recovered: recovered, Check: d.Check, HandedOver: d.HandedOver,
		Commit: inert(d.Commit), Branch: inert(d.Branch), Repository: inert(d.Repository), Pusher: inert(d.Pusher),
		Created: created.UTC(), Ended: d.Ended, Error: inert(d.Error), Hint: inert(d.Hint), Environments: d.environments(),
		Skipped: inert(d.Skipped), URL: strings.ReplaceAll(in.RunURL, "{run}", d.Workflow),
	}
	run.NotReached = d.notReached(in, run.Environments)
	var last time.Time // of this attempt of the run, however often it is recorded
	for _, step := range d.Steps {
		if step.Ended.After(last) {
			last = step.Ended
		}
	}
	return event.New(event.Finished, "s3://"+in.Bucket, d.Ended, run, d.Created, d.Status, last.UTC().Format(time.RFC3339Nano))
}

func outcomeOf(status string) event.Outcome {
	switch status {
	case "Succeeded":
		return event.Succeeded
	case Stopped:
		return event.Stopped
	case Superseded:
		return event.Superseded
	case Skipped:
		return event.Skipped
	}
	return event.Failed
}

// notReached returns the environments of the template and of the commit whose deployment did
// not begin, unless the run was not to reach them.
func (d *Document) notReached(in Input, began []event.Environment) (names []string) {
	if d.Check {
		return nil
	}
	for _, name := range append(strings.Fields(in.Environments), d.Unreached...) {
		reached := slices.ContainsFunc(began, func(e event.Environment) bool { return e.Name == name })
		if name = inert(name); !reached && !slices.Contains(names, name) && !slices.Contains(d.LeftOut, name) {
			names = append(names, name)
		}
	}
	return names
}

// environments returns the environments whose deployment began, in that order. One whose
// pod was lost has no record of its step, but Argo reports its failure.
func (d *Document) environments() []event.Environment {
	var all []event.Environment
	of := func(name string) *event.Environment {
		at := slices.IndexFunc(all, func(e event.Environment) bool { return e.Name == name })
		if at < 0 {
			all = append(all, event.Environment{Name: name, Outcome: event.Succeeded})
			at = len(all) - 1
		}
		return &all[at]
	}
	for _, step := range d.Steps {
		if !began(step) {
			continue
		}
		if name := plan.DeployedBy(step.Step); name != "" {
			add(of(name), step)
			of(name).Stacks = stacksOf(step)
		} else if name, is := strings.CutPrefix(step.Step, plan.Test("")); is {
			add(of(name), step)
		}
	}
	for _, failure := range d.Failures {
		task, _, _ := strings.Cut(failure.DisplayName, "(") // of an attempt, such as deploy-dev(0)
		name := plan.DeployedBy(task)
		if name == "" || slices.ContainsFunc(d.Steps, func(s stage.Record) bool { return s.Step == task }) || strings.HasPrefix(failure.Message, shutdown) {
			continue
		}
		if env := of(name); env.Outcome != event.Failed || slices.Contains(notRetried, env.Error) {
			env.Outcome, env.Error = event.Failed, inert(failure.Message)
		}
	}
	return all
}

// began reports whether a step that deploys changed anything, or would have.
func began(step stage.Record) bool {
	return step.Status != errs.Superseded.String() && step.Status != errs.Held.String()
}

// add adds a step of the deployment of an environment to it.
func add(env *event.Environment, step stage.Record) {
	if env.Started.IsZero() {
		env.Started = step.Started
	}
	env.Ended = step.Ended
	switch {
	case step.Status == stage.Done:
	case step.Status == errs.Cancelled.String():
		env.Outcome, env.Error = event.Stopped, inert(step.Error)
	default:
		env.Outcome, env.Error = event.Failed, inert(step.Error)
	}
}

// stacksOf returns the stacks in the summary of a deployment, as far as it has one.
func stacksOf(step stage.Record) []event.Stack {
	var summary struct {
		Stacks []struct {
			Name, Action string
			Seconds      float64
		}
	}
	if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) != nil {
		return nil
	}
	var stacks []event.Stack
	for _, s := range summary.Stacks[:min(len(summary.Stacks), mostOfStacks)] {
		stacks = append(stacks, event.Stack{Name: inert(s.Name), Action: inert(s.Action), Seconds: max(s.Seconds, 0)})
	}
	return stacks
}
