package deploy

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
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

	details stage.StackDetails // what happened to it
}

// Results are the results of the stacks of a request, in their order.
type Results []Result

// Summary is the result of an environment, small enough for a workflow parameter.
type Summary struct {
	Environment string         `json:"environment"`
	Stacks      []StackSummary `json:"stacks"`
	Calls       int            `json:"calls"` // to CloudFormation
	// Removed are stacks that an earlier run deployed and no environment has any
	// more. In a pipeline, an earlier stage finds them for all environments.
	Removed []stage.RemovedStack `json:"removed,omitempty"`
	// Gates are what the gates of the environment decided: before the deployment began, and
	// those that look at its plan before that was executed.
	Gates gate.Outcomes `json:"gates,omitempty"`
}

// StackSummary is the result of one stack.
type StackSummary struct {
	Stack   string  `json:"stack"`
	Name    string  `json:"name"` // in CloudFormation
	Region  string  `json:"region"`
	Action  string  `json:"action"`           // created, updated, unchanged, destroyed, failed, stopped or skipped
	Status  string  `json:"status,omitempty"` // in CloudFormation
	Changes string  `json:"changes,omitempty"`
	Error   string  `json:"error,omitempty"`
	Because string  `json:"because,omitempty"` // of a skipped stack
	Seconds float64 `json:"seconds"`
	Outputs int     `json:"outputs"` // how many

	stillRunning bool // its operation still runs in CloudFormation
}

// StillRunning describes which operations still run after a deployment was stopped, and what to do.
func (s Summary) StillRunning() string {
	var running []string
	for _, stack := range s.Stacks {
		if stack.stillRunning {
			running = append(running, stack.Name)
		}
	}
	if len(running) == 0 {
		return "no stack was being changed; run the same command to try again"
	}
	return "CloudFormation continues to change " + strings.Join(running, ", ") + "; run the same command again to attach to these operations"
}

// conclude converts the scheduler's results into ours, and into one error.
func conclude(scheduled []schedule.Result[cfn.Result], targets map[string]target) (Results, error) {
	results := make(Results, 0, len(scheduled))
	var skipped, excerpts []string
	var failures []error
	for _, s := range scheduled {
		t := targets[s.Name]
		results = append(results, Result{
			Result: s.Value, Stack: s.Name, Name: t.stack.Name, Region: t.region, State: s.State, Because: s.Because, Err: s.Err,
			details: detailsOf(t, s.Value),
		})
		switch s.State {
		case schedule.Failed:
			failures = append(failures, s.Err)
			excerpts = append(excerpts, excerpt(t, s.Err)...)
		case schedule.Skipped:
			skipped = append(skipped, s.Name)
		}
	}
	return results, combine(failures, skipped, excerpts...)
}

// maxErrorText is the longest error in a summary, in bytes.
const maxErrorText = 500

// combine joins the errors of the stacks, names the skipped stacks, and adds
// further lines. Kind and hint are those of the first error that is not
// temporary, or else of the first.
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
			s.Action, s.stillRunning = string(r.State), errors.Is(r.Err, cfn.ErrStillRunning)
		}
		if kind := errs.KindOf(r.Err); r.State == schedule.Failed && (kind == errs.Cancelled || kind == errs.Held) {
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

// SummaryOf returns the intent for each stack of a plan.
func SummaryOf(p *planned.Plan) Summary {
	summary := Summary{Environment: p.Environment, Stacks: []StackSummary{}}
	for _, s := range p.Stacks {
		summary.Stacks = append(summary.Stacks, StackSummary{
			Stack: s.Stack, Name: s.Name, Region: s.Region, Action: "planned: " + string(s.Intent), Status: s.Status, Because: s.Because,
		})
	}
	return summary
}
