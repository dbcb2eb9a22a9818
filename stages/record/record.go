package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Join the records of a run's steps to one document.

The exit handler of every run calls it. The document says what was run, for
which commit, how each step went and why the run failed. It lies in the
artifact bucket as metadata/workflows/<workflow>.json.

Example:

  deployer record --workflow shop-x7k2p --status Succeeded --commit $(git rev-parse HEAD) \
    --bucket aphex-shop-111111111111-eu-west-1
`

// Input is what the stage is given.
type Input struct {
	Status     string `help:"How the run ended: Succeeded, Failed or Error." required:""`
	Failures   string `help:"JSON list of the nodes that failed, as Argo gives it in workflow.failures."`
	Created    string `help:"When the run was asked for, RFC 3339."`
	Commit     string `help:"Full commit SHA of the run." required:""`
	Branch     string `help:"Branch of the commit."`
	Repository string `help:"URL of the repository."`
	Pusher     string `help:"Login of who pushed."`
	Origin     string `help:"Run that handed over to this one."`
	Bucket     string `help:"Artifact bucket." required:""`
}

// Validate refuses what cannot be a run.
func (in Input) Validate() error {
	if in.Status == "" || in.Commit == "" || in.Bucket == "" {
		return errs.Invalidf("status, commit and bucket must have a value").WithHint("give --status, --commit and --bucket")
	}
	return nil
}

// Output is empty: what the stage leaves is the document.
type Output struct{}

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "record") }

// Deps are what the stage works with.
type Deps struct {
	// Bucket has the records of the steps, and gets that of the run.
	Bucket bucket.Bucket
}

// Document is the record of a whole run.
type Document struct {
	Workflow   string               `json:"workflow"`
	Status     string               `json:"status"`          // Succeeded, Failed, Error or Stopped
	Error      string               `json:"error,omitempty"` // of the first step that failed
	Hint       string               `json:"hint,omitempty"`
	Commit     string               `json:"commit"`
	Branch     string               `json:"branch,omitempty"`
	Repository string               `json:"repository,omitempty"`
	Pusher     string               `json:"pusher,omitempty"`
	Origin     string               `json:"origin,omitempty"`     // run that handed over to this one
	HandedOver string               `json:"handedOver,omitempty"` // run that this one handed over to, which deploys the commit
	Created    string               `json:"created,omitempty"`
	Ended      time.Time            `json:"ended"`
	Undeployed []string             `json:"undeployed,omitempty"` // stacks of the app that no environment deploys, by construct path
	Unreached  []string             `json:"unreached,omitempty"`  // environments of the commit that the run does not deploy
	Removed    []stage.RemovedStack `json:"removed,omitempty"`    // stacks that an earlier run deployed and no environment deploys any more
	Steps      []stage.Record       `json:"steps"`                // in the order in which they started
	Failures   []Failure            `json:"failures"`             // as Argo saw them, also of pods that recorded nothing
}

// Failure is a node that failed, as Argo describes it.
type Failure struct {
	DisplayName  string `json:"displayName"`
	TemplateName string `json:"templateName"`
	Phase        string `json:"phase"`
	Message      string `json:"message"`
	FinishedAt   string `json:"finishedAt"`
}

// Run joins the records of the run that frame names.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	if frame.Workflow == "" {
		return Output{}, errs.Invalidf("the run has no name").WithHint("give --workflow")
	}
	failures, err := parseFailures(in.Failures)
	if err != nil {
		return Output{}, errs.Invalidf("reading --failures: %w", err)
	}
	steps, err := d.records(ctx, frame.Workflow, frame.Step)
	if err != nil {
		return Output{}, err
	}
	document := Document{
		Workflow: frame.Workflow, Status: in.Status, Commit: in.Commit, Branch: in.Branch, Repository: in.Repository,
		Pusher: in.Pusher, Origin: in.Origin, Created: in.Created, Ended: time.Now().UTC(), Steps: steps, Failures: failures,
	}
	if document.stopped() {
		document.Status = Stopped
	}
	document.explain()
	d.leftOut(ctx, frame, in, &document)
	handover, err := stage.HandoverOf(steps)
	if err != nil {
		return Output{}, err
	}
	if handover != nil {
		document.HandedOver = handover.Run
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return Output{}, fmt.Errorf("encoding the record of run %q: %w", frame.Workflow, err)
	}
	key := bucket.RunRecordKey(frame.Workflow)
	if err := d.Bucket.Put(ctx, key, data); err != nil {
		return Output{}, fmt.Errorf("storing the record of run %q: %w", frame.Workflow, err)
	}
	if document.deployed() {
		data, err := json.Marshal(stage.Deployed{Commit: in.Commit, Run: frame.Workflow})
		if err != nil {
			return Output{}, fmt.Errorf("encoding what run %q deployed: %w", frame.Workflow, err)
		}
		if err := d.Bucket.Put(ctx, bucket.DeployedKey(), data); err != nil {
			return Output{}, fmt.Errorf("storing what run %q deployed: %w", frame.Workflow, err)
		}
	}
	frame.Log.Info("recorded the run", "status", document.Status, "bucket", in.Bucket, "key", key)
	return Output{}, nil
}

// deployed says whether the run brought its commit to an environment: the check of
// a pull request does not, nor does a run that handed over.
func (d *Document) deployed() bool {
	return d.Status == "Succeeded" && slices.ContainsFunc(d.Steps, func(s stage.Record) bool { return strings.HasPrefix(s.Step, plan.Deploy("")) })
}

// leftOut says at the top what the run left out. A run that was handed over was
// looked at by the run that did so.
func (d Deps) leftOut(ctx context.Context, frame stage.Frame, in Input, document *Document) {
	var own stage.Record
	if at := slices.IndexFunc(document.Steps, func(s stage.Record) bool { return s.Step == plan.Pipeline }); at >= 0 {
		own = document.Steps[at]
	}
	first := own
	if in.Origin != "" {
		var err error
		if first, err = d.step(ctx, in.Origin, plan.Pipeline); err != nil {
			frame.Log.Warn("what the run that handed over found is not known", "run", in.Origin, "error", err)
		}
	}
	document.Undeployed, document.Unreached = names(first.Outputs[stage.UndeployedOutput]), names(own.Outputs[stage.UnreachedOutput])
	document.Removed = stage.ParseRemoved(first.Outputs[stage.RemovedOutput])
}

// step reads the record of a step of a run.
func (d Deps) step(ctx context.Context, workflow, name string) (found stage.Record, err error) {
	data, err := d.Bucket.Get(ctx, bucket.StepRecordKey(workflow, name))
	if err == nil {
		err = json.Unmarshal(data, &found)
	}
	return found, err
}

// names reads the output of a step; what is no list names none.
func names(output string) (list []string) {
	if json.Unmarshal([]byte(output), &list) != nil {
		return nil
	}
	return list
}

// Stopped is the status of a run that nothing failed in, but a signal or a person
// ended: Argo calls it Failed.
const Stopped = "Stopped"

// shutdown begins what Argo says of a node that was not let go on when a person
// stopped the workflow.
const shutdown = "workflow shutdown with strategy"

// stopped says whether the run was stopped: of its steps some were, and none failed.
func (d *Document) stopped() bool {
	cancelled := slices.ContainsFunc(d.Failures, func(f Failure) bool { return strings.HasPrefix(f.Message, shutdown) })
	for _, step := range d.Steps {
		switch step.Status {
		case errs.Cancelled.String():
			cancelled = true
		case stage.Done:
		default:
			return false
		}
	}
	return cancelled && d.Status != "Succeeded"
}

// explain says at the top why the run failed.
func (d *Document) explain() {
	for _, step := range d.Steps {
		if step.Error != "" {
			d.Error, d.Hint = step.Step+": "+step.Error, step.Hint
			return
		}
	}
	for _, failure := range d.Failures {
		if failure.Message != "" { // a graph fails with what is in it, and says nothing of its own
			d.Error = failure.DisplayName + ": " + failure.Message
			if strings.HasPrefix(failure.Message, shutdown) {
				d.Error = failure.DisplayName + ": stopped"
			}
			return
		}
	}
}

// records reads what the steps recorded of themselves.
func (d Deps) records(ctx context.Context, workflow, self string) ([]stage.Record, error) {
	keys, err := d.Bucket.List(ctx, bucket.StepRecordsPrefix(workflow))
	if err != nil {
		return nil, fmt.Errorf("listing the records of run %q: %w", workflow, err)
	}
	steps := []stage.Record{}
	for _, key := range keys {
		if key == bucket.StepRecordKey(workflow, self) {
			continue // this stage's own, from an attempt before
		}
		data, err := d.Bucket.Get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("reading the record %q: %w", key, err)
		}
		var step stage.Record
		if err := json.Unmarshal(data, &step); err != nil {
			return nil, errs.Failedf("reading the record %q: %w", key, err)
		}
		steps = append(steps, step)
	}
	sort.SliceStable(steps, func(i, j int) bool { return steps[i].Started.Before(steps[j].Started) })
	return steps, nil
}

// parseFailures reads workflow.failures. Argo quotes the JSON once more, so
// that it survives being a part of its own template.
func parseFailures(text string) ([]Failure, error) {
	failures := []Failure{}
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	if text == "" || text == "null" {
		return failures, nil
	}
	err := json.Unmarshal([]byte(text), &failures)
	return failures, err
}
