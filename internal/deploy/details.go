package deploy

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Limits of what the record of a deployment has.
const (
	mostResources    = 300  // of a stack
	mostResourcesAll = 5000 // of an environment
	mostRights       = 100  // of a stack
	mostOutputs      = 300  // of an environment
	mostOfText       = 300  // bytes
)

// Details returns what the record of a deployment has besides its summary; mask hides secrets.
func (results Results) Details(mask func(string) string) *stage.Details {
	d := &stage.Details{}
	budget := mostResourcesAll
	for _, r := range results {
		one := r.details
		one.Resources = slices.Clone(one.Resources)
		if over := len(one.Resources) - min(mostResources, budget); over > 0 {
			one.Omitted, one.Resources = over, important(one.Resources, min(mostResources, budget))
		}
		budget -= len(one.Resources)
		for i := range one.Resources {
			one.Resources[i].Name, one.Resources[i].Error = short(one.Resources[i].Name, mask), short(one.Resources[i].Error, mask)
		}
		one.Rights = slices.Clone(one.Rights[:min(len(one.Rights), mostRights)])
		for i := range one.Rights {
			one.Rights[i].Text = short(one.Rights[i].Text, mask)
		}
		if !one.Started.IsZero() {
			d.Stacks = append(d.Stacks, one)
		}
		for _, output := range r.Outputs {
			switch {
			case IsWiring(output.Key):
			case len(d.Outputs) == mostOutputs:
				d.Omitted++
			default:
				d.Outputs = append(d.Outputs, stage.StackOutput{Stack: r.Stack, Key: output.Key, Value: short(output.Value, mask)})
			}
		}
	}
	return d
}

// wiring are the prefixes of the outputs that the CDK makes for strong and weak
// references between stacks (aws-cdk-lib, core: refs). People do not read them.
var wiring = []string{"ExportsOutput", "PublishOutput"}

// IsWiring reports whether an output is for other stacks only.
func IsWiring(output string) bool {
	return slices.ContainsFunc(wiring, func(prefix string) bool { return strings.HasPrefix(output, prefix) })
}

func short(text string, mask func(string) string) string {
	text = mask(text)
	if len(text) <= mostOfText {
		return text
	}
	return strings.ToValidUTF8(text[:mostOfText], "") + "…"
}

// important returns so many resources, in their order: those that failed, then those that took longest.
func important(all []stage.ResourceDetails, most int) []stage.ResourceDetails {
	slices.SortStableFunc(all, func(a, b stage.ResourceDetails) int {
		switch {
		case a.Error != "" && b.Error == "":
			return -1
		case a.Error == "" && b.Error != "":
			return 1
		}
		return cmp.Compare(b.Seconds, a.Seconds)
	})
	all = all[:most]
	slices.SortStableFunc(all, func(a, b stage.ResourceDetails) int { return a.Started.Compare(b.Started) })
	return all
}

// detailsOf returns what a deployment did to a stack.
func detailsOf(t target, r cfn.Result) stage.StackDetails {
	return stage.StackDetails{Stack: t.name, Started: r.Started, Template: r.Template, Goal: r.Digest, Resources: resourcesOf(t, r.Events), Rights: widerRights(t, r)}
}

// resourcesOf returns the resources that the events of an operation are about, but for the stacks themselves.
func resourcesOf(t target, events []cfn.ResourceEvent) (resources []stage.ResourceDetails) {
	at := map[string]int{}
	for _, e := range events {
		if e.PhysicalID == e.StackID && e.StackID != "" {
			continue
		}
		operation, state := operationOf(e.Status)
		if operation == "" {
			continue // an event of a hook
		}
		id := strings.Join(append(e.Nested[:len(e.Nested):len(e.Nested)], e.LogicalID, operation), "/")
		i, known := at[id]
		if !known {
			i = len(resources)
			at[id] = i
			resources = append(resources, stage.ResourceDetails{Name: resourceName(t, e), Type: e.Type, Change: operation, Started: e.Time.UTC()})
		}
		resources[i].Seconds = e.Time.Sub(resources[i].Started).Round(10 * time.Millisecond).Seconds()
		if state == "FAILED" {
			resources[i].Error = cmp.Or(e.Reason, e.Status)
		}
	}
	return resources
}

// operationOf takes the status of a resource apart: create, update, delete, import or
// rollback, and IN_PROGRESS, COMPLETE or FAILED.
func operationOf(status string) (operation, state string) {
	for _, state := range []string{"IN_PROGRESS", "COMPLETE", "FAILED"} {
		if operation, is := strings.CutSuffix(status, "_"+state); is {
			operation = strings.ToLower(strings.TrimSuffix(operation, "_COMPLETE_CLEANUP"))
			if strings.Contains(operation, "rollback") {
				operation = "rollback"
			}
			return operation, state
		}
	}
	return "", ""
}

// widerRights returns what the new template of a stack allows and the one before did not. Of
// nested stacks, it knows those of a new stack.
func widerRights(t target, r cfn.Result) (rights []stage.WiderRight) {
	if r.Before == nil || t.stack.Template == "" {
		return nil
	}
	templates, err := readTemplates(t.stack)
	if err != nil {
		return nil
	}
	if len(r.Before) > 0 {
		templates = templates[:1]
	}
	before, err := diff.Parse(r.Before)
	for _, text := range templates {
		after, parseErr := diff.Parse(text)
		if errors.Join(err, parseErr) != nil {
			return nil
		}
		for _, wider := range diff.Broadenings(before, after) {
			rights = append(rights, stage.WiderRight{Resource: wider.LogicalID, Text: wider.Text})
		}
	}
	return rights
}
