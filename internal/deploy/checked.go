package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// checked is the stacks of an environment, or why it cannot be deployed.
type checked struct {
	Selection
	problem error
	denied  *accessDenied // which the update of the pipeline may end
	unknown bool          // the environment could not be synthesized
}

// joinChecks joins the results of all environments.
func joinChecks(results []schedule.Result[checked]) (Checked, error) {
	c := Checked{of: len(results)}
	var all, deployed []string
	var wrong []schedule.Result[checked]
	for _, result := range results {
		if result.Err != nil {
			return Checked{}, fmt.Errorf("environment %s: %w", result.Name, result.Err)
		}
		if result.Value.problem != nil {
			wrong = append(wrong, result)
		}
		if result.Value.denied != nil {
			c.denied = append(c.denied, result)
		}
		c.Incomplete = c.Incomplete || result.Value.unknown
		c.Selections = append(c.Selections, result.Value.Selection)
		all = append(all, result.Value.Paths...)
		for _, s := range result.Value.Stacks {
			deployed = append(deployed, s.Path)
		}
	}
	if len(wrong) > 0 {
		return Checked{}, joinProblems(wrong, len(results))
	}
	if c.Incomplete {
		return c, checkOnce(results)
	}
	slices.Sort(all)
	c.Undeployed = slices.DeleteFunc(slices.Compact(all), func(path string) bool { return slices.Contains(deployed, path) })
	return c, checkOnce(results)
}

// checkOnce rejects a pipeline with one stack in two environments: each would
// overwrite the other's deployment.
func checkOnce(results []schedule.Result[checked]) error {
	type spot struct{ account, region, name string }
	first := map[spot]string{}
	var twice []string
	for _, result := range results {
		for _, s := range result.Value.Stacks {
			at := spot{s.Account, s.Region, s.Name}
			if other, found := first[at]; found {
				twice = append(twice, fmt.Sprintf("%s in %s %s is in the environments %s and %s", s.Name, s.Account, s.Region, other, result.Name))
				continue
			}
			first[at] = result.Name
		}
	}
	if len(twice) == 0 {
		return nil
	}
	return errs.Invalidf("two environments deploy the same stack and would overwrite each other:\n  %s", strings.Join(twice, "\n  ")).
		WithHint("give the environments other accounts or regions, list the stack in one of them, or let the app name its stacks by ENVIRONMENT_NAME")
}

// joinProblems joins the errors of several environments, each distinct error once.
func joinProblems(wrong []schedule.Result[checked], of int) error {
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("environment %s: %w", wrong[0].Name, wrong[0].Value.problem)
	}
	var texts []string
	names, failures := map[string][]string{}, []error{}
	for _, result := range wrong {
		text := result.Value.problem.Error()
		if hint := errs.HintOf(result.Value.problem); hint != "" {
			text += "\n    hint: " + strings.ReplaceAll(hint, "\n", "\n    ")
		}
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], result.Name)
		failures = append(failures, result.Value.problem)
	}
	message := fmt.Sprintf("%d of %d environments cannot be deployed:", len(wrong), of)
	for _, text := range texts {
		message += fmt.Sprintf("\n  %s: %s", strings.Join(names[text], ", "), text)
	}
	if errs.KindOf(errors.Join(failures...)) == errs.Invalid {
		return errs.Invalidf("%s", message)
	}
	return errs.Failedf("%s", message)
}
