package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Diagnosis is what is known of the last operation of a stack, or of the one of a run. Texts
// are masked.
type Diagnosis struct {
	Stack    string        `json:"stack"` // name in the configuration, or in CloudFormation
	Name     string        `json:"name"`  // in CloudFormation
	Region   string        `json:"region"`
	StackID  string        `json:"stackId,omitempty"`  // ARN
	Status   string        `json:"status,omitempty"`   // of the stack now
	Began    *time.Time    `json:"began,omitempty"`    // of the operation, UTC
	Ended    string        `json:"ended,omitempty"`    // status that the operation ended in; none while it runs
	Failed   bool          `json:"failed"`             // the operation failed, or a change set was refused after it
	Error    string        `json:"error,omitempty"`    // why, in one text
	Hint     string        `json:"hint,omitempty"`     // what to do next
	Cause    *cfn.Finding  `json:"cause,omitempty"`    // the resource that failed first
	Findings []cfn.Finding `json:"findings,omitempty"` // against a change set that was refused
	Behind   []cfn.Detail  `json:"behind,omitempty"`   // what is behind the cause
	Unknown  string        `json:"unknown,omitempty"`  // why the stack could not be diagnosed

	excerpt []string
}

// Diagnose explains the last operations of stacks, or those that began in a span of time, whoever
// started them. Without names these are the stacks of the request; a name that no stack of the
// app has is that of a stack in CloudFormation. It changes nothing.
func (e Engine) Diagnose(ctx context.Context, r Request, names []string, in cfn.Span) ([]Diagnosis, error) {
	j := e.newJob(r)
	if err := j.assumeAccess(ctx); err != nil {
		return nil, err
	}
	defer j.close()
	targets, apps, _, err := j.selectStacks(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		e.Log.Warn("the app cannot tell which resources are whose: stacks are looked up by their names alone", "error", err)
		targets = nil
		for _, stack := range r.Stacks {
			targets = append(targets, j.foreign(stack.Name))
		}
	}
	d, err := j.newDeployment(ctx, apps, true)
	if err != nil {
		return nil, err
	}
	var found []Diagnosis
	for _, t := range j.named(targets, names) {
		found = append(found, d.diagnose(ctx, t, in))
	}
	return found, ctx.Err()
}

// foreign is a stack that is known by its name in CloudFormation alone.
func (j *job) foreign(name string) target {
	return target{name: name, region: j.Region, stack: assembly.Stack{Name: name}}
}

// named returns the targets with the names, and others by their names in CloudFormation.
func (j *job) named(targets []target, names []string) (chosen []target) {
	if len(names) == 0 {
		return targets
	}
	for _, name := range names {
		at := slices.IndexFunc(targets, func(t target) bool { return slices.Contains([]string{t.name, t.stack.Name, t.stack.Path}, name) })
		if at < 0 {
			chosen = append(chosen, j.foreign(name))
			continue
		}
		chosen = append(chosen, targets[at])
	}
	return chosen
}

// diagnose explains one stack. What cannot be read is said in the result.
func (d *deployment) diagnose(ctx context.Context, t target, in cfn.Span) Diagnosis {
	found := Diagnosis{Stack: t.name, Name: t.stack.Name, Region: t.region}
	reader, err := d.access.Reader(ctx)
	if err != nil {
		found.Unknown = d.mask(err.Error())
		return found
	}
	reader = reader.In(t.region)
	goal := cfn.Goal{Name: t.stack.Name, Path: t.stack.Path}
	if t.stack.Path != "" {
		goal.ConstructPath, goal.Source = t.stack.ConstructPath, d.sourceIn(t.stack)
	}
	got, err := cfn.Diagnose(ctx, cfn.NewClient(reader.Config), goal, in)
	if err != nil {
		err = reader.Explain(err)
		found.Unknown = d.mask(strings.Join([]string{err.Error(), errs.HintOf(err)}, "; "))
		found.Unknown = strings.TrimSuffix(found.Unknown, "; ")
		return found
	}
	d.lookBehind(ctx, t.region, got.Err)
	found.fill(t, got, d.mask)
	return found
}

func (found *Diagnosis) fill(t target, got cfn.Diagnosis, mask func(string) string) {
	found.StackID, found.Status, found.Ended, found.Failed = got.StackID, got.Status, got.Ended, got.Err != nil
	if !got.Began.IsZero() {
		began := got.Began.UTC()
		found.Began = &began
	}
	if got.Err == nil {
		return
	}
	found.Error, found.Hint = mask(got.Err.Error()), mask(errs.HintOf(got.Err))
	if got.Cause != nil {
		cause := *got.Cause
		cause.Reason = mask(cause.Reason)
		found.Cause = &cause
	}
	if refused := new(cfn.Refusal); errors.As(got.Err, &refused) {
		for _, f := range refused.Findings {
			f.Reason = mask(f.Reason)
			found.Findings = append(found.Findings, f)
		}
	}
	if failed := new(cfn.Failure); errors.As(got.Err, &failed) {
		found.Behind = failed.Behind
		for i := range found.Behind {
			for n, line := range found.Behind[i].Lines {
				found.Behind[i].Lines[n] = mask(line)
			}
		}
	}
	for _, line := range excerpt(t, got.Err) {
		found.excerpt = append(found.excerpt, mask(line))
	}
}

// PrintDiagnoses writes diagnoses for people.
func PrintDiagnoses(to io.Writer, all []Diagnosis) error {
	var text strings.Builder
	for i, d := range all {
		if i > 0 {
			text.WriteString("\n")
		}
		d.print(&text)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (found Diagnosis) print(to *strings.Builder) {
	title := found.Stack
	if found.Name != found.Stack {
		title += " (" + found.Name + ")"
	}
	fmt.Fprintf(to, "%s in %s: %s\n", title, found.Region, found.state())
	if found.Error == "" {
		return
	}
	for line := range strings.Lines(found.Error + "\n") {
		to.WriteString("  " + line)
	}
	for _, line := range found.excerpt {
		to.WriteString("    " + line + "\n")
	}
	if found.Hint != "" {
		to.WriteString("  hint: " + found.Hint + "\n")
	}
}

// state describes the stack in a few words.
func (found Diagnosis) state() string {
	at := ""
	if found.Began != nil {
		at = " of " + found.Began.Format("2006-01-02 15:04:05") + " UTC"
	}
	switch {
	case found.Unknown != "":
		return "unknown: " + errs.OneLine(found.Unknown)
	case found.StackID == "":
		return "there is no such stack"
	case found.Began == nil:
		return found.Status + "; no operation began in that time"
	case found.Failed && found.Findings != nil:
		return found.Status + "; a change set was refused"
	case found.Failed:
		return found.Status + "; the operation" + at + " failed"
	case found.Ended == "":
		return found.Status + "; the operation" + at + " is in progress, and nothing has failed"
	}
	return found.Status + "; nothing failed in the operation" + at
}
