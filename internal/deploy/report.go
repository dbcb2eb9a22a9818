package deploy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// reporter reports the events of an environment, its assets and its stacks.
type reporter struct {
	*progress.Reporter
	environment string
}

// begin reports the activity of the environment as a whole, until end is called.
func (t *reporter) begin(doing string) (end func()) {
	return t.Begin(progress.Stage, t.environment, doing)
}

// choose reports which stacks are deployed.
func (t *reporter) choose(targets []target) {
	var names []string
	for _, target := range targets {
		names = append(names, target.name)
	}
	t.Stacks(names)
}

// expect reports the assets that a stack needs.
func (t *reporter) expect(stack target) {
	var names []string
	for _, list := range stack.stack.Assets {
		names = append(names, namesOf(list)...)
	}
	t.Assets(stack.name, names)
}

func namesOf(list *assembly.AssetManifest) (names []string) {
	for _, file := range list.Files {
		names = append(names, file.Name)
	}
	for _, image := range list.Images {
		names = append(names, image.Name)
	}
	return names
}

// asset reports a step of an asset.
func (t *reporter) asset(e assets.Event) {
	text, doing := e.To, ""
	if e.Step == assets.Building || e.Step == assets.Uploading {
		doing = string(e.Step) + " " + e.Asset
	}
	if e.Step == assets.Published && e.Bytes > 0 {
		text += fmt.Sprintf(" (%d KiB)", (e.Bytes+1023)/1024)
	}
	t.Report(progress.Event{Scope: progress.Asset, Subject: e.Asset, Step: string(e.Step), Text: text, Doing: doing})
}

// phases are the activities of a stack after an event of a phase that has no text.
var phases = map[cfn.Phase]string{
	cfn.Comparing: "comparing with the deployed stack",
	cfn.Preparing: makingChangeSet,
	cfn.Executing: "executing the change set",
}

const (
	makingChangeSet = "creating the change set"
	validating      = "validating the templates"
)

// busy reports the activity of a stack.
func (t *reporter) busy(stack target, doing string) { t.Busy(progress.Stack, stack.name, doing) }

// stack reports a step of a stack or of one of its resources.
func (t *reporter) stack(of target, e cfn.Event) {
	if e.Resource != nil {
		t.resource(of, *e.Resource)
		return
	}
	doing := phases[e.Phase]
	if e.Phase == cfn.Waiting || e.Phase == cfn.Clearing {
		doing = e.Text
	}
	t.Report(progress.Event{Time: e.Time, Scope: progress.Stack, Subject: of.name, Step: string(e.Phase), Text: e.Text, Total: e.Total, Doing: doing})
}

func (t *reporter) resource(of target, r cfn.ResourceEvent) {
	if len(r.Nested) > 0 && r.PhysicalID == r.StackID {
		return // the parent stack reports the same for this nested stack
	}
	name := resourceName(of, r)
	text := r.Reason
	if r.HookReason != "" {
		text = strings.TrimSpace(text + " hook " + r.Hook + ": " + r.HookReason)
	}
	itself := len(r.Nested) == 0 && r.PhysicalID == r.StackID && r.StackID != ""
	t.Report(progress.Event{
		Time: r.Time, Scope: progress.Stack, Subject: of.name, Step: r.Status, Resource: name, Type: r.Type, Text: text,
		ID: strings.Join(append(r.Nested[:len(r.Nested):len(r.Nested)], r.LogicalID), "/"), Counts: len(r.Nested) == 0 && !itself,
		Doing: resourceActivity(of, r, name, itself),
	})
}

// resourceActivity is the activity of a resource: "creating AWS::Lambda::Function Handler".
func resourceActivity(of target, r cfn.ResourceEvent, name string, itself bool) string {
	if itself {
		return progress.Operation(r.Status, "the stack")
	}
	return progress.Operation(r.Status, r.Type+" "+progress.ShortName(of.stack.Path, name))
}

// ended reports that a stack failed or is no longer watched. A success was reported before.
func (t *reporter) ended(stack string, err error) {
	if err == nil {
		return
	}
	cause, _, _ := strings.Cut(err.Error(), "\n")
	if failure := new(cfn.Failure); errors.As(err, &failure) {
		cause = strings.TrimPrefix(cause, fmt.Sprintf("stack %q failed (%s): ", failure.Stack, failure.Status)) // the event names the stack
	}
	step := progress.Failed
	if errs.KindOf(err) == errs.Cancelled {
		step = progress.Stopped
		cause, _, _ = strings.Cut(errs.Stopped(err, "").Error(), "\n")
	}
	t.Report(progress.Event{Scope: progress.Stack, Subject: stack, Step: step, Text: cause})
}

// skipped reports the stacks that are skipped and those with invalid templates.
func (t *reporter) skipped(results []schedule.Result[cfn.Result]) {
	for _, r := range results {
		if errors.As(r.Err, new(*invalidTemplates)) {
			t.ended(r.Name, r.Err)
		}
		if r.State == schedule.Skipped {
			t.Report(progress.Event{Scope: progress.Stack, Subject: r.Name, Step: progress.Skipped, Text: "not deployed because of " + r.Because})
		}
	}
}
