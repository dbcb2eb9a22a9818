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

// reporter words what happens to an environment, its assets and its stacks.
type reporter struct {
	*progress.Reporter
	environment string
}

// begin notes what the environment as a whole is busy with, until the function given is called.
func (t *reporter) begin(doing string) (end func()) {
	return t.Begin(progress.Stage, t.environment, doing)
}

// choose names the stacks that are deployed after all.
func (t *reporter) choose(targets []target) {
	var names []string
	for _, target := range targets {
		names = append(names, target.name)
	}
	t.Stacks(names)
}

// expect names the assets that a stack needs.
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

// asset tells a step of an asset.
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

// phases say what a stack is busy with after an event of a phase, where the
// event itself does not.
var phases = map[cfn.Phase]string{
	cfn.Comparing: "comparing it with what is deployed",
	cfn.Preparing: makingChangeSet,
	cfn.Executing: "beginning the change",
}

const (
	makingChangeSet = "making the change set"
	validating      = "validating the templates"
)

// busy notes what a stack is waiting for.
func (t *reporter) busy(stack target, doing string) { t.Busy(progress.Stack, stack.name, doing) }

// stack tells a step of a stack or of one of its resources.
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
		return // the resource of this nested stack, in the stack around it, says the same
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
		Doing: deed(of, r, name, itself),
	})
}

// deed words a resource in progress: "creating AWS::Lambda::Function Handler".
func deed(of target, r cfn.ResourceEvent, name string, itself bool) string {
	if itself {
		return progress.Deed(r.Status, "the stack")
	}
	return progress.Deed(r.Status, r.Type+" "+progress.ShortName(of.stack.Path, name))
}

// ended tells that a stack failed or is not watched any more; its success has been told.
func (t *reporter) ended(stack string, err error) {
	if err == nil {
		return
	}
	cause, _, _ := strings.Cut(err.Error(), "\n")
	if failure := new(cfn.Failure); errors.As(err, &failure) {
		cause = strings.TrimPrefix(cause, fmt.Sprintf("stack %q failed (%s): ", failure.Stack, failure.Status)) // which stack is said
	}
	step := progress.Failed
	if errs.KindOf(err) == errs.Cancelled {
		step = progress.Stopped
		cause, _, _ = strings.Cut(errs.Stopped(err, "").Error(), "\n")
	}
	t.Report(progress.Event{Scope: progress.Stack, Subject: stack, Step: step, Text: cause})
}

// skipped reports which stacks are not deployed any more, and whose templates are invalid.
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
