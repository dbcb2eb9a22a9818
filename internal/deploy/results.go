package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Result is the result of one stack.
type Result struct {
	cfn.Result
	Stack   string // name in the configuration
	Name    string // name in CloudFormation
	Region  string
	State   schedule.State
	Because string // of a skipped stack: the stack that failed, or "cancelled"
	Err     error
}

// Results are the results of the stacks of a request, in their order.
type Results []Result

// Summary is the result of an environment, small enough for a workflow parameter.
type Summary struct {
	Environment string         `json:"environment"`
	Stacks      []StackSummary `json:"stacks"`
	Calls       int            `json:"calls"` // to CloudFormation
	// Removed are stacks that an earlier run deployed and no environment wants any
	// more. A pipeline's run finds them before, for all of its environments.
	Removed []stage.RemovedStack `json:"removed,omitempty"`
}

// StackSummary is the result of one stack.
type StackSummary struct {
	Stack   string  `json:"stack"`
	Name    string  `json:"name"` // in CloudFormation
	Region  string  `json:"region"`
	Action  string  `json:"action"`           // created, updated, unchanged, failed, stopped or skipped
	Status  string  `json:"status,omitempty"` // in CloudFormation
	Changes string  `json:"changes,omitempty"`
	Error   string  `json:"error,omitempty"`
	Because string  `json:"because,omitempty"` // of a skipped stack
	Seconds float64 `json:"seconds"`
	Outputs int     `json:"outputs"` // how many

	goesOn bool // CloudFormation goes on with it
}

// GoesOn says what AWS still does after a deployment was stopped, and what to do.
func (s Summary) GoesOn() string {
	var begun []string
	for _, stack := range s.Stacks {
		if stack.goesOn {
			begun = append(begun, stack.Name)
		}
	}
	if len(begun) == 0 {
		return "CloudFormation was changing no stack; the same command runs it again"
	}
	return "CloudFormation finishes what it has begun with " + strings.Join(begun, ", ") + "; the same command attaches to what still goes on there"
}

// conclude turns the scheduler's results into ours, and into one error.
func conclude(scheduled []schedule.Result[cfn.Result], targets map[string]target) (Results, error) {
	results := make(Results, 0, len(scheduled))
	var skipped, stories []string
	var failures []error
	for _, s := range scheduled {
		t := targets[s.Name]
		results = append(results, Result{
			Result: s.Value, Stack: s.Name, Name: t.stack.Name, Region: t.region, State: s.State, Because: s.Because, Err: s.Err,
		})
		switch s.State {
		case schedule.Failed:
			failures = append(failures, s.Err)
			stories = append(stories, excerpt(t, s.Err)...)
		case schedule.Skipped:
			skipped = append(skipped, s.Name)
		}
	}
	return results, combine(failures, skipped, stories...)
}

// maxErrorText bounds the error in a summary, in bytes.
const maxErrorText = 500

// combine makes one error of those of the stacks, names what was skipped, and
// adds further lines. The first one decides kind and hint, unless another is
// worse than temporary.
func combine(failures []error, skipped []string, more ...string) error {
	if len(failures) == 0 && len(skipped) > 0 {
		return errs.Cancelledf("cancelled before %s", strings.Join(skipped, ", "))
	}
	if len(failures) == 0 {
		return nil
	}
	lead := failures[0]
	var lines []string
	for _, err := range failures {
		if errs.KindOf(lead) == errs.Temporary && errs.KindOf(err) != errs.Temporary {
			lead = err
		}
		if !slices.Contains(lines, err.Error()) {
			lines = append(lines, err.Error())
		}
	}
	if len(skipped) > 0 {
		lines = append(lines, "not deployed because of this: "+strings.Join(skipped, ", "))
	}
	lines = append(lines, more...)
	return &errs.Error{Kind: errs.KindOf(lead), Message: strings.Join(lines, "\n  "), Hint: errs.HintOf(lead), Err: lead}
}

// Summary returns the result of each stack; mask hides secrets.
func (results Results) Summary(environment string, mask func(string) string) Summary {
	summary := Summary{Environment: environment, Stacks: []StackSummary{}}
	for _, r := range results {
		s := StackSummary{
			Stack: r.Stack, Name: r.Name, Region: r.Region, Action: string(r.Action), Status: r.Status, Changes: r.Touched(),
			Because: r.Because, Seconds: r.Ended.Sub(r.Started).Round(100 * time.Millisecond).Seconds(), Outputs: len(r.Outputs),
		}
		if r.State != schedule.Done {
			s.Action, s.goesOn = string(r.State), errors.Is(r.Err, cfn.ErrGoesOn)
		}
		if r.State == schedule.Failed && errs.KindOf(r.Err) == errs.Cancelled {
			s.Action = progress.Stopped
		}
		if r.Err != nil {
			text := mask(r.Err.Error())
			s.Error = strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "")
		}
		summary.Stacks = append(summary.Stacks, s)
		summary.Calls += r.Calls
	}
	return summary
}

// Outputs gives the outputs of the stacks that are deployed, by their names in the configuration.
func (results Results) Outputs() cmdenv.Outputs {
	outputs := cmdenv.Outputs{}
	for _, r := range results {
		if r.State != schedule.Done {
			continue
		}
		outputs[r.Stack] = map[string]cmdenv.Output{}
		for _, o := range r.Outputs {
			outputs[r.Stack][o.Key] = cmdenv.Output{Value: o.Value, Description: o.Description, ExportName: o.ExportName}
		}
	}
	return outputs
}

// CLIOutputs gives the outputs as the CDK CLI's --outputs-file has them: by the
// stacks' names in CloudFormation, without stacks that have none. Of two stacks
// of one name, in two regions, the later one's are there.
func (results Results) CLIOutputs() map[string]map[string]string {
	byName := map[string]map[string]string{}
	for _, r := range results {
		if r.State != schedule.Done || len(r.Outputs) == 0 {
			continue
		}
		byName[r.Name] = map[string]string{}
		for _, o := range r.Outputs {
			byName[r.Name][o.Key] = o.Value
		}
	}
	return byName
}

// Collisions says which outputs cannot be had under a name of their own.
func (results Results) Collisions() []string {
	lines := results.Outputs().Collisions()
	for i, r := range results {
		for _, other := range results[:i] {
			if r.Name == other.Name && len(r.Outputs) > 0 && len(other.Outputs) > 0 {
				lines = append(lines, fmt.Sprintf("the stacks %s and %s are both named %s in CloudFormation; --outputs-file has the outputs of the later one, as with the CDK CLI; "+
					"--named-outputs-file has both", other.Stack, r.Stack, r.Name))
			}
		}
	}
	return lines
}
