package record

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/page"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// keepPage stores the page of a run.
func keepPage(ctx context.Context, b bucket.Bucket, d Document) error {
	return b.Update(ctx, bucket.RunPageKey(d.Workflow), func([]byte) ([]byte, error) { return page.OfRun(d.Page()) })
}

// KeepIndexPage stores the page of the pipeline. Runs that end together lose nothing: the
// index is read after the page that is replaced, and each run writes the page after the index.
func KeepIndexPage(ctx context.Context, b bucket.Bucket) error {
	return b.Update(ctx, bucket.IndexPageKey(), func([]byte) ([]byte, error) {
		x, err := ReadIndex(ctx, b)
		if err != nil {
			return nil, err
		}
		return page.OfPipeline(x.Page(time.Now(), true))
	})
}

// Page returns what the page of a run shows.
func (d Document) Page() page.Run {
	created, _ := time.Parse(time.RFC3339, d.Created) // without one, the page has none
	r := page.Run{
		Pipeline: d.Pipeline, Name: d.Workflow, Word: d.Status, Status: statusOf(d.Status), Commit: d.Commit, Repository: d.Repository,
		Created: created, Ended: d.Ended, Version: stage.Version(), Facts: d.facts(), Notes: d.notes(),
	}
	if text := cmp.Or(d.Error, d.Skipped); text != "" {
		r.Cause = &page.Cause{Error: text, Hint: d.Hint}
		if where, rest, found := strings.Cut(text, ": "); found && d.Error != "" {
			r.Cause.Where, r.Cause.Error = where, rest
		}
	}
	for _, step := range d.Steps {
		r.Timeline = append(r.Timeline, spanOf(step))
	}
	for _, env := range d.environments() {
		r.Environments = append(r.Environments, d.pageOf(env))
	}
	return r
}

func statusOf(status string) page.Status {
	switch status {
	case "Succeeded":
		return page.Good
	case Skipped:
		return page.Idle
	case Stopped, Superseded, Held:
		return page.Stopped
	case "Failed", "Error":
		return page.Bad
	}
	return page.Open
}

func (d Document) facts() []page.Fact {
	by := d.Pusher
	if d.Purpose != "" && !d.Attested {
		by += " (not attested)"
	}
	return []page.Fact{
		{Label: "Commit", Text: d.Commit},
		{Label: "Branch", Text: d.Branch},
		{Label: "By", Text: by},
		{Label: "Purpose", Text: strings.Join(append([]string{d.Purpose}, d.Only...), " ")},
		{Label: "Reason", Text: d.Reason},
		{Label: "Created", Text: when(d.Created)},
		{Label: "Continues", Text: d.Origin},
		{Label: "Handed over to", Text: d.HandedOver},
		{Label: "Left out by choice", Text: strings.Join(d.LeftOut, ", ")},
	}
}

// when returns a time, RFC 3339, to the minute, and another text as it is.
func when(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func (d Document) notes() (notes []page.Note) {
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			notes = append(notes, page.Note{Title: title, Lines: lines})
		}
	}
	var removed, former []string
	for _, stack := range d.Removed {
		removed = append(removed, stack.String())
	}
	for _, attempt := range d.Former {
		former = append(former, strings.TrimSpace(when(attempt.Created)+" "+attempt.Status+" "+attempt.Error))
	}
	add("Environments that this run does not deploy", d.Unreached)
	add("Stacks of the app that no environment deploys", d.Undeployed)
	add("Stacks that are gone from the app, and still exist", removed)
	add("Attempts before", former)
	return notes
}

func stepStatus(status string) page.Status {
	switch status {
	case stage.Done:
		return page.Good
	case errs.Cancelled.String(), errs.Superseded.String(), errs.Held.String():
		return page.Stopped
	}
	return page.Bad
}

// spanOf returns a step of the timeline, with its stacks and their resources.
func spanOf(step stage.Record) page.Span {
	s := page.Span{Name: step.Step, Status: stepStatus(step.Status), Error: step.Error, Started: step.Started, Seconds: step.Ended.Sub(step.Started).Seconds()}
	s.Waits = plan.WaitedFor(step.Step) != ""
	var summary deploy.Summary
	if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) != nil {
		return s
	}
	for _, stack := range summary.Stacks {
		s.Spans = append(s.Spans, stackOf(step, stack))
	}
	slices.SortStableFunc(s.Spans, func(a, b page.Span) int { return a.Started.Compare(b.Started) })
	return s
}

func stackOf(step stage.Record, stack deploy.StackSummary) page.Span {
	s := page.Span{Name: cmp.Or(stack.Stack, stack.Name), Status: page.Good, Note: stack.Action, Error: stack.Error, Seconds: max(stack.Seconds, 0)}
	if stack.Name != "" && stack.Name != s.Name {
		s.Name += " (" + stack.Name + ")"
	}
	if stack.Changes != "" {
		s.Note += ", " + stack.Changes
	}
	if stack.Because != "" {
		s.Note += " because of " + stack.Because
	}
	switch stack.Action {
	case "unchanged":
		s.Status = page.Idle
	case "failed":
		s.Status = page.Bad
	case "stopped", "skipped":
		s.Status = page.Stopped
	}
	if step.Details == nil {
		return s
	}
	at := slices.IndexFunc(step.Details.Stacks, func(d stage.StackDetails) bool { return d.Stack == stack.Stack })
	if at < 0 {
		return s
	}
	s.Started = step.Details.Stacks[at].Started
	for _, r := range step.Details.Stacks[at].Resources {
		one := page.Span{Name: strings.TrimPrefix(r.Name, stack.Stack+"/"), Kind: r.Type, Note: r.Change, Status: page.Good, Started: r.Started, Seconds: r.Seconds, Error: r.Error}
		if r.Error != "" {
			one.Status = page.Bad
		}
		s.Spans = append(s.Spans, one)
	}
	return s
}

// gatesOf returns what the gates of an environment decided before a deployment.
func gatesOf(step stage.Record) (gates []page.Gate) {
	var summary deploy.Summary
	if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) != nil {
		return nil
	}
	for _, o := range summary.Gates {
		g := page.Gate{Name: string(o.Gate), State: string(o.State), Reason: o.Reason}
		if by := o.Override; by != nil {
			g.By, g.Why, g.Attested = by.By, by.Why, by.Attested
		}
		gates = append(gates, g)
	}
	return gates
}

// pageOf returns what a run did in an environment, besides its time.
func (d Document) pageOf(env event.Environment) page.Environment {
	e := page.Environment{Name: env.Name, Status: page.Good}
	switch env.Outcome {
	case event.Failed:
		e.Status = page.Bad
	case event.Stopped:
		e.Status = page.Stopped
	}
	for _, step := range d.Steps {
		if step.Step == plan.Test(env.Name) {
			e.Tests = &page.Tests{Status: stepStatus(step.Status), Error: step.Error}
		}
		if plan.DeployedBy(step.Step) == env.Name {
			e.Gates = gatesOf(step)
		}
		if step.Details == nil || step.Step != plan.Test(env.Name) && plan.DeployedBy(step.Step) != env.Name {
			continue
		}
		if t := step.Details.Tests; t != nil && e.Tests != nil {
			e.Tests.Total, e.Tests.Broken, e.Tests.Left, e.Tests.Failed = t.Tests, t.Broken, t.Skipped, t.Failed
		}
		for _, stack := range step.Details.Stacks {
			for _, right := range stack.Rights {
				e.Rights = append(e.Rights, page.Right{Stack: stack.Stack, Resource: right.Resource, Text: right.Text})
			}
		}
		for _, o := range step.Details.Outputs {
			e.Outputs = append(e.Outputs, page.Output{Stack: o.Stack, Key: o.Key, Value: o.Value})
		}
		e.Omitted += step.Details.Omitted
	}
	return e
}
