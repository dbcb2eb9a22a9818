package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

// intents maps what CloudFormation would do to the intent in the plan.
var intents = map[cfn.Outlook]Intent{
	cfn.Create: WillCreate, cfn.Update: WillUpdate, cfn.Keep: WillKeep, cfn.Recreate: WillRecreate, cfn.RollBack: WillRollBack,
}

// describe fills in the intent, the resources that change with their properties,
// and the permissions that become broader.
func (s *PlannedStack) describe(t target, p cfn.Prepared, mask func(string) string) error {
	s.Intent, s.Status, s.Protection = intents[p.Outlook], p.Status, p.Protect
	switch s.Intent {
	case WillRecreate:
		s.Because = "the remains of its failed creation are deleted first"
	case WillRollBack:
		s.Because = "an earlier operation was interrupted and is rolled back first"
	case WillUpdate:
		s.Because = p.Reason
	}
	for _, pair := range p.Templates {
		before, err := diff.Parse(pair.Before)
		if err != nil {
			return fmt.Errorf("the deployed template of stack %s: %w", s.Name, err)
		}
		after, err := diff.Parse(pair.After)
		if err != nil {
			return fmt.Errorf("the new template of stack %s: %w", s.Name, err)
		}
		changes := pair.Changes
		if p.ChangeSet == "" {
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

func inWords(t target, nested []string, c cfn.Change, before, after diff.Template, mask func(string) string) PlannedChange {
	change := PlannedChange{
		Action: action(c), LogicalID: c.LogicalID, Nested: nested, Type: c.Type, Path: t.stack.ConstructPath(nested, c.LogicalID),
	}
	if c.Action == "Modify" {
		for _, property := range diff.Properties(before.Resources[c.LogicalID], after.Resources[c.LogicalID]) {
			property.Before, property.After = mask(property.Before), mask(property.After)
			change.Properties = append(change.Properties, property)
		}
	}
	return change
}

func action(c cfn.Change) string {
	switch {
	case c.Action == "Modify" && c.Replacement == "True":
		return "replace"
	case c.Action == "Modify" && c.Replacement == "Conditional":
		return "may replace"
	}
	return strings.ToLower(c.Action)
}

// expected derives the changes from the templates where there is no change set.
// Whether a resource is replaced is then unknown.
func expected(before, after diff.Template) (changes []cfn.Change) {
	all := map[string]diff.Resource{}
	maps.Copy(all, before.Resources)
	maps.Copy(all, after.Resources)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		old, had := before.Resources[id]
		_, has := after.Resources[id]
		change := cfn.Change{LogicalID: id, Type: all[id].Type}
		switch {
		case !had:
			change.Action = "Add"
		case !has:
			change.Action = "Remove"
		case len(diff.Properties(old, after.Resources[id])) > 0:
			change.Action = "Modify"
		default:
			continue
		}
		changes = append(changes, change)
	}
	return changes
}
