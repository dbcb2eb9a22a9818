// Package diagnose is the stage that explains why stacks of an environment failed, afterwards
// and whoever deployed them.
package diagnose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Explain why stacks of an environment failed.

Reads the last operation of each stack and prints the resource that failed first, with
its construct path and the line of the app, what CloudFormation said, and what is behind
it: the last lines of the log of a custom resource's function, why the tasks of an ECS
service stopped, which statement would allow a denied call, the rules of a hook. It
explains a change set that was refused, too. It changes nothing, and reads with the role
for lookups of the account's bootstrap, or with roleArn of the environment.

It does not matter who deployed a stack: --stack also takes the name of a stack in
CloudFormation that the app does not have, or the ARN of a deleted one. --run explains
what a run of the pipeline did, by its record in the artifact bucket.

Examples:

  deployer diagnose --environment dev
  deployer diagnose --environment dev --stack Api --json
  deployer diagnose --environment dev --run shop-1a2b3c4d --bucket shop-artifacts
`

// Input is the input of the stage.
type Input struct {
	Environment string   `help:"Name of the environment whose stacks to explain." required:""`
	Stack       []string `help:"Explain only these stacks: names or construct paths, or names or ARNs in CloudFormation." sep:"none" placeholder:"NAME,…"`
	Run         string   `help:"Explain what this run of the pipeline did, instead of the last operation of each stack."`
	Bucket      string   `help:"Artifact bucket with the record of --run."`
	ArtifactDir string   `help:"Folder with the record of --run, instead of a bucket." type:"path" placeholder:"DIR"`
	JSON        bool     `name:"json" help:"Print JSON instead of text."`
	stage.Built
}

// Validate requires a bucket for the record of a run.
func (in Input) Validate() error {
	switch {
	case in.Run != "" && in.Bucket == "" && in.ArtifactDir == "":
		return errs.Invalidf("--run requires --bucket or --artifact-dir, where the record of the run is")
	case in.Bucket != "" && in.ArtifactDir != "":
		return errs.Invalidf("--bucket and --artifact-dir cannot be combined").WithHint("give one of them")
	}
	return nil
}

// Output is the output of the stage.
type Output struct {
	Diagnoses []deploy.Diagnosis `output:"diagnoses" help:"What is known of each stack, as JSON."`
}

// Printed reports that stdout has the result.
func (Output) Printed() bool { return true }

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "diagnose") }

// Deps are the dependencies of the stage.
type Deps struct {
	Engine deploy.Engine // runs commands and assumes access
	Bucket bucket.Bucket // has the records of runs; nil without --run
}

// Run explains the stacks and prints what it found.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	env, err := in.Built.Environment(in.Environment)
	if err != nil {
		return Output{}, err
	}
	names, span := deploy.SplitNames(in.Stack), cfn.Span{}
	if in.Run != "" {
		if names, span, err = d.stacksOf(ctx, in, names); err != nil {
			return Output{}, err
		}
	}
	scratch, err := checkout.Scratch("diagnose-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	if err := d.Engine.Runner.Send(ctx, in.Source); err != nil {
		return Output{}, err
	}
	engine := d.Engine.In(frame, progress.Options{})
	stop := engine.Reporter.Watch()
	r := deploy.For(env)
	r.Workspace, r.Scratch, r.Assembly, r.Limit = in.Source, scratch, in.Assembly, in.Limit
	all, err := engine.Diagnose(ctx, r, names, span)
	stop()
	if err != nil {
		return Output{}, err
	}
	return Output{all}, in.print(frame, all)
}

func (in Input) print(frame stage.Frame, all []deploy.Diagnosis) error {
	if !in.JSON {
		return deploy.PrintDiagnoses(frame.Stdout, all)
	}
	encoder := json.NewEncoder(frame.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Environment string             `json:"environment"`
		Run         string             `json:"run,omitempty"`
		Diagnoses   []deploy.Diagnosis `json:"diagnoses"`
	}{in.Environment, in.Run, all})
}

// grace is how much earlier than the step an operation may seem to begin, by another clock.
const grace = time.Minute

// stacksOf reads from the record of a run when it deployed to the environment, and, unless
// stacks are named, which ones it changed or tried to.
func (d Deps) stacksOf(ctx context.Context, in Input, names []string) ([]string, cfn.Span, error) {
	text, err := d.Bucket.Get(ctx, bucket.RunRecordKey(in.Run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cfn.Span{}, errs.Invalidf("there is no record of run %q", in.Run).
			WithHint("a run is recorded when it ends; until then, leave --run out")
	}
	if err != nil {
		return nil, cfn.Span{}, fmt.Errorf("reading the record of run %q: %w", in.Run, err)
	}
	var record struct {
		Steps []stage.Record `json:"steps"`
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return nil, cfn.Span{}, errs.Invalidf("the record of run %q is not JSON: %w", in.Run, err)
	}
	for _, step := range record.Steps {
		var summary deploy.Summary
		if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) != nil || summary.Environment != in.Environment || len(summary.Stacks) == 0 {
			continue
		}
		for _, stack := range summary.Stacks {
			if len(in.Stack) == 0 && stack.Action != "unchanged" && stack.Action != "skipped" {
				names = append(names, stack.Stack)
			}
		}
		return names, cfn.Span{From: step.Started.Add(-grace), To: step.Ended}, nil
	}
	return nil, cfn.Span{}, errs.Invalidf("run %q deployed no stack of environment %s", in.Run, in.Environment)
}
