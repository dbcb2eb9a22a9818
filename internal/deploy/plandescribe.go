package deploy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

// intents maps what CloudFormation would do to the intent in the plan.
var intents = map[cfn.Outlook]planned.Intent{
	cfn.Create: planned.WillCreate, cfn.Update: planned.WillUpdate, cfn.Keep: planned.WillKeep, cfn.Recreate: planned.WillRecreate, cfn.RollBack: planned.WillRollBack,
}

// describe fills in the intent, the resources that change with their properties,
// and the permissions that become broader.
func describe(s *planned.Stack, t target, p cfn.Prepared, mask func(string) string) error {
	s.Intent, s.Status, s.Protection = intents[p.Outlook], p.Status, p.Protect
	switch s.Intent {
	case planned.WillRecreate:
		s.Because = "the remains of its failed creation are deleted first"
	case planned.WillRollBack:
		s.Because = "an earlier operation was interrupted and is rolled back first"
	case planned.WillUpdate:
		s.Because = p.Reason
	}
	for _, pair := range p.Templates {
		if pair.Unknown {
			s.Broader = append(s.Broader, unseenStack(t, pair.Nested))
			continue
		}
		before, err := diff.Parse(pair.Before)
		if err != nil {
			return fmt.Errorf("the deployed template of stack %s: %w", s.Name, err)
		}
		after, err := diff.Parse(pair.After)
		if err != nil {
			return fmt.Errorf("the new template of stack %s: %w", s.Name, err)
		}
		changes := pair.Changes
		if p.ChangeSet == "" || len(pair.After) == 0 {
			changes = expected(before, after)
		}
		for _, change := range changes {
			s.Changes = append(s.Changes, inWords(t, pair.Nested, change, before, after, mask))
		}
		for _, broader := range diff.Broadenings(before, after) {
			broader.Text, broader.Nested, broader.Path = mask(broader.Text), pair.Nested, t.stack.ConstructPath(pair.Nested, broader.LogicalID)
			s.Broader = append(s.Broader, broader)
		}
	}
	return nil
}

// unseenStack says that a nested stack may get any permission, as its template is none of the app's.
func unseenStack(t target, nested []string) diff.Broadening {
	around, id := nested[:len(nested)-1], nested[len(nested)-1]
	return diff.Broadening{
		LogicalID: id, Kind: diff.IAM, Nested: around, Path: t.stack.ConstructPath(around, id),
		Text: "${" + id + "} is a nested stack whose template is not among the files of the app: it may add any permission",
	}
}

func inWords(t target, nested []string, c cfn.Change, before, after diff.Template, mask func(string) string) planned.Resource {
	change := planned.Resource{
		Action: action(c), LogicalID: c.LogicalID, Nested: nested, Type: c.Type, Path: t.stack.ConstructPath(nested, c.LogicalID),
	}
	old, now := before.Resources[c.LogicalID], after.Resources[c.LogicalID]
	switch {
	case !change.TakesAway() || !diff.IsStateful(c.Type):
	case c.Action == "Modify":
		change.Data = old.OnReplacement()
		if kept := now.OnReplacement(); kept == diff.Deleted {
			change.Data = kept // whichever policy CloudFormation follows, no better one is certain
		}
	default:
		change.Data = old.OnRemoval()
	}
	if change.Action == planned.Replace || change.Action == planned.MayReplace {
		change.Causes = c.Because
	}
	if c.Action == "Modify" {
		for _, property := range diff.Properties(old, now) {
			property.Before, property.After = mask(property.Before), mask(property.After)
			change.Properties = append(change.Properties, property)
		}
		change.Properties = append(change.Properties, diff.Policies(old, now)...)
	}
	return change
}

func action(c cfn.Change) string {
	switch {
	case c.Action == "Modify" && c.Replacement == "True":
		return planned.Replace
	case c.Action == "Modify" && c.Replacement == "Conditional":
		return planned.MayReplace
	}
	return strings.ToLower(c.Action)
}

// expected derives the changes from the templates where there is no change set.
func expected(before, after diff.Template) (changes []cfn.Change) {
	replaced := diff.Replacements(before, after)
	all := map[string]diff.Resource{}
	maps.Copy(all, before.Resources)
	maps.Copy(all, after.Resources)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		old, had := before.Resources[id]
		now, has := after.Resources[id]
		change := cfn.Change{LogicalID: id, Type: all[id].Type}
		r, isReplaced := replaced[id]
		switch {
		case !had:
			change.Action = "Add"
		case !has:
			change.Action = "Remove"
		case isReplaced:
			change.Action, change.Because, change.Replacement = "Modify", r.Because, "Conditional"
			if r.Certain {
				change.Replacement = "True"
			}
		case !reflect.DeepEqual(old.Condition, now.Condition) && now.Condition != nil:
			change.Action = planned.MayRemove
		case len(diff.Properties(old, now)) > 0, diff.Policies(old, now) != nil:
			change.Action = "Modify"
		default:
			continue
		}
		changes = append(changes, change)
	}
	return changes
}
