package environment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/progress"
	"github.com/aphex/aphex-pipeline/internal/schedule"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/surroundings"
)

// Result is what became of one stack.
type Result struct {
	cfn.Result
	Stack   string // name in the configuration
	Name    string // name in CloudFormation
	Region  string
	State   schedule.State
	Because string // of a skipped stack: the stack that failed, or "cancelled"
	Err     error
}

// Summary is what became of an environment, small enough for a workflow's parameter.
type Summary struct {
	Environment string         `json:"environment"`
	Stacks      []StackSummary `json:"stacks"`
	Calls       int            `json:"calls"` // to CloudFormation
	// Removed are stacks that an earlier run deployed and no environment wants any
	// more. A pipeline's run finds them before, for all of its environments.
	Removed []stage.RemovedStack `json:"removed,omitempty"`
}

// StackSummary is what became of one stack.
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

// goesOn says what AWS still does after a deployment was stopped, and what to do.
func (s Summary) goesOn() string {
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
func conclude(scheduled []schedule.Result[cfn.Result], targets map[string]target) ([]Result, error) {
	results := make([]Result, 0, len(scheduled))
	var skipped, stories []string
	var errs []error
	for _, s := range scheduled {
		t := targets[s.Name]
		results = append(results, Result{
			Result: s.Value, Stack: s.Name, Name: t.stack.Name, Region: t.region, State: s.State, Because: s.Because, Err: s.Err,
		})
		switch s.State {
		case schedule.Failed:
			errs = append(errs, s.Err)
			stories = append(stories, story(t, s.Err)...)
		case schedule.Skipped:
			skipped = append(skipped, s.Name)
		}
	}
	return results, combine(errs, skipped, stories...)
}

// maxErrorText bounds the error in a summary, in bytes.
const maxErrorText = 500

// combine makes one error of those of the stacks, names what was skipped, and
// adds further lines. The first one decides kind and hint, unless another is
// worse than temporary.
func combine(errs []error, skipped []string, more ...string) error {
	if len(errs) == 0 && len(skipped) > 0 {
		return fault.Cancelledf("cancelled before %s", strings.Join(skipped, ", "))
	}
	if len(errs) == 0 {
		return nil
	}
	lead := errs[0]
	var lines []string
	for _, err := range errs {
		if fault.KindOf(lead) == fault.Temporary && fault.KindOf(err) != fault.Temporary {
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
	return &fault.Error{Kind: fault.KindOf(lead), Message: strings.Join(lines, "\n  "), Hint: fault.HintOf(lead), Err: lead}
}

func summarize(environment string, results []Result, mask func(string) string) Summary {
	summary := Summary{Environment: environment, Stacks: []StackSummary{}}
	for _, r := range results {
		s := StackSummary{
			Stack: r.Stack, Name: r.Name, Region: r.Region, Action: string(r.Action), Status: r.Status, Changes: r.Touched(),
			Because: r.Because, Seconds: r.Ended.Sub(r.Started).Round(100 * time.Millisecond).Seconds(), Outputs: len(r.Outputs),
		}
		if r.State != schedule.Done {
			s.Action, s.goesOn = string(r.State), errors.Is(r.Err, cfn.ErrGoesOn)
		}
		if r.State == schedule.Failed && fault.KindOf(r.Err) == fault.Cancelled {
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

// outputsOf gives the outputs of the stacks that are deployed, by their names in the configuration.
func outputsOf(results []Result) surroundings.Outputs {
	outputs := surroundings.Outputs{}
	for _, r := range results {
		if r.State != schedule.Done {
			continue
		}
		outputs[r.Stack] = map[string]surroundings.Output{}
		for _, o := range r.Outputs {
			outputs[r.Stack][o.Key] = surroundings.Output{Value: o.Value, Description: o.Description, ExportName: o.ExportName}
		}
	}
	return outputs
}

// checkWritable finds out before anything is deployed whether a file can be
// written; no name is no file. One that was not there before is not there
// afterwards.
func checkWritable(name string) error {
	if name == "" {
		return nil
	}
	_, missing := os.Stat(name)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fault.Writing(name, err)
	}
	if missing != nil {
		defer os.Remove(name)
	}
	return fault.Writing(name, file.Close())
}

// cliOutputs gives the outputs as the CDK CLI's --outputs-file has them: by the
// stacks' names in CloudFormation, without stacks that have none. Of two stacks
// of one name, in two regions, the later one's are there.
func cliOutputs(results []Result) map[string]map[string]string {
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

// collisions says which outputs cannot be had under a name of their own.
func collisions(results []Result) []string {
	lines := outputsOf(results).Collisions()
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

// keepOutputs stores the outputs in all shapes, and gives the key of the plain
// one. What a cancelled deployment has made is kept as well.
func (d Deps) keepOutputs(ctx context.Context, in Input, results []Result) (key string, err error) {
	outputs := outputsOf(results)
	plain, plainErr := outputsJSON(outputs.Values())
	detailed, detailedErr := outputsJSON(outputs)
	byName, byNameErr := outputsJSON(cliOutputs(results))
	if err := errors.Join(plainErr, detailedErr, byNameErr); err != nil {
		return "", err
	}
	for _, file := range []struct {
		path string
		text []byte
	}{{in.OutputsFile, byName}, {in.NamedOutputsFile, plain}} {
		if file.path == "" {
			continue
		}
		if err := os.WriteFile(file.path, file.text, 0o644); err != nil {
			return "", fault.Writing(file.path, err)
		}
	}
	if in.Bucket == "" {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	folder := in.Commit + "/" + in.Environment + "/"
	objects := map[string][]byte{folder + "outputs.json": plain, folder + "outputs-detailed.json": detailed}
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		if err := d.Put(ctx, in.Bucket, key, objects[key]); err != nil {
			return "", fmt.Errorf("storing the stack outputs as %q: %w", key, err)
		}
	}
	return folder + "outputs.json", nil
}

// outputsJSON writes outputs as the CDK CLI does, without escapes that only HTML needs.
func outputsJSON(outputs any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(outputs); err != nil {
		return nil, fmt.Errorf("encoding the stack outputs: %w", err)
	}
	return text.Bytes(), nil
}
