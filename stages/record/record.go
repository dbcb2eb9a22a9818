package record

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Join the records of a run's steps to one document.

The exit handler of every run calls it. The document has the commit of the run,
the result of each step and the cause of a failure. Its key in the artifact
bucket is metadata/workflows/<workflow>.json.

Example:

  deployer record --workflow shop-x7k2p --status Succeeded --commit $(git rev-parse HEAD) \
    --bucket aphex-shop-111111111111-eu-west-1
`

// Input is the input of the stage.
type Input struct {
	Status     string   `help:"How the run ended: Succeeded, Failed or Error." required:""`
	Failures   string   `help:"JSON list of failed nodes, as in Argo's workflow.failures."`
	Created    string   `help:"When the run was created, RFC 3339."`
	Commit     string   `help:"Full commit SHA of the run." required:""`
	Branch     string   `help:"Branch of the commit."`
	Repository string   `help:"URL of the repository."`
	Pusher     string   `help:"Login of the pusher, or who asked for the run."`
	Origin     string   `help:"Run that handed over to this one."`
	LeftOut    []string `help:"Environments that the run leaves out by choice, as with generator run --only. The commit then does not count as the one that the pipeline deployed." placeholder:"ENV"`
	Purpose    string   `help:"What a person wants of the run: rollback, redeploy, promote, retry or start; none of a push."`
	Only       string   `help:"Environments that the person asked for, separated by spaces."`
	Reason     string   `help:"Why the person asked for the run."`
	Bucket     string   `help:"Artifact bucket." required:""`
	Entrypoint string   `help:"Template that the run began with, such as check."`

	// Of a run that deploys what an earlier one built.
	Artifact    string `help:"Key of the built workspace in the bucket, if an earlier run built it."`
	Digest      string `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	BuiltConfig string `help:"SHA-256 digest of the configuration file of the commit, as sha256:<hex>." placeholder:"sha256:<hex>"`

	Pipeline      string `help:"Name of the pipeline."`
	Notifications string `help:"Targets that are told what came of the run, as notifications in the configuration, as JSON." placeholder:"JSON"`
	Metrics       bool   `help:"Publish metrics to CloudWatch."`
	RunURL        string `help:"URL of the page of a run, with {run} for its name." placeholder:"URL"`
	TokenSecret   string `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}: for notifications at GitHub." placeholder:"NAME"`
	GithubApp     string `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host          string `help:"Host the repository must be on, which gets the token." default:"github.com"`
	Environments  string `help:"Environments of the pipeline, separated by spaces: those whose deployment did not begin are shown at GitHub." placeholder:"ENV …"`
	Images        string `help:"Images of the pipeline's stages, for the release record: REGISTRY[:TAG] and PROGRAM@DIGEST, separated by spaces." placeholder:"IMAGES"`
	attest.Signing
	Silent bool `help:"Tell nobody and publish nothing. For local runs."`
}

// Validate requires status, commit and bucket.
func (in Input) Validate() error {
	if in.Status == "" || in.Commit == "" || in.Bucket == "" {
		return errs.Invalidf("status, commit and bucket are required").WithHint("pass --status, --commit and --bucket")
	}
	_, err := notify.Parse(in.Notifications)
	return err
}

// Output is empty: the result of the stage is the document in the bucket.
type Output struct{}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "record") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Bucket has the records of the steps, and gets that of the run.
	Bucket bucket.Bucket
	// Signer returns the key that signs the release record of the run; nil signs none.
	Signer func(context.Context) (attest.Signer, error)
	// Subscriptions are the targets that are told what came of the run.
	Subscriptions []notify.Subscription
	// Publish publishes values of metrics, in as few calls as possible.
	Publish func(context.Context, []metric.Datum) error
}

// Document is the record of a whole run.
type Document struct {
	Workflow   string               `json:"workflow"`
	Status     string               `json:"status"`          // Succeeded, Skipped, Failed, Error, Stopped, Superseded or Held
	Error      string               `json:"error,omitempty"` // of the first step that failed
	Hint       string               `json:"hint,omitempty"`
	Skipped    string               `json:"skipped,omitempty"` // why the run had nothing to do
	Commit     string               `json:"commit"`
	Branch     string               `json:"branch,omitempty"`
	Repository string               `json:"repository,omitempty"`
	Pusher     string               `json:"pusher,omitempty"`
	Purpose    string               `json:"purpose,omitempty"`    // what a person wants of the run; the pusher is the person
	Only       []string             `json:"only,omitempty"`       // environments that the person asked for
	Reason     string               `json:"reason,omitempty"`     // why
	Attested   bool                 `json:"attested,omitempty"`   // whether the API server compared the person with the name
	Built      *Built               `json:"built,omitempty"`      // what the run deploys
	Origin     string               `json:"origin,omitempty"`     // run that handed over to this one
	HandedOver string               `json:"handedOver,omitempty"` // successor run, which deploys the commit
	Created    string               `json:"created,omitempty"`
	Ended      time.Time            `json:"ended"`
	Undeployed []string             `json:"undeployed,omitempty"` // stacks that no environment deploys, by construct path
	Unreached  []string             `json:"unreached,omitempty"`  // environments of the commit that the run does not deploy
	LeftOut    []string             `json:"leftOut,omitempty"`    // environments that were left out by choice
	Removed    []stage.RemovedStack `json:"removed,omitempty"`    // stacks that no environment deploys any more
	Steps      []stage.Record       `json:"steps"`                // in the order in which they started
	Failures   []Failure            `json:"failures"`             // of Argo, also of pods without a record
	Former     []Attempt            `json:"former,omitempty"`     // attempts of the run before this one, newest first
	Check      bool                 `json:"check,omitempty"`      // of a pull request
	Pipeline   string               `json:"pipeline,omitempty"`
	Notified   []notify.Delivery    `json:"notified,omitempty"`  // targets that were told
	Published  *Published           `json:"published,omitempty"` // metrics of the last attempt
	Counted    []string             `json:"counted,omitempty"`   // by metrics
	Signing    *Signing             `json:"signing,omitempty"`

	before string // status of the record that this one replaces
	paged  bool   // the bucket has its page

	unpaged error // why its page, or that of the pipeline, was not stored
}

// Run joins the records of the run that frame names.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	if frame.Workflow == "" {
		return Output{}, errs.Invalidf("the run has no name").WithHint("pass --workflow")
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
		Pusher: in.Pusher, Purpose: in.Purpose, Only: strings.Fields(in.Only), Reason: short(in.Reason),
		Origin: in.Origin, Created: in.Created, Ended: time.Now().UTC(), LeftOut: in.LeftOut, Steps: steps, Failures: failures,
		Check: in.Entrypoint == plan.CheckEntry, Pipeline: in.Pipeline, Signing: signingOf(in),
	}
	switch {
	case document.endedAs(errs.Superseded, ""):
		document.Status = Superseded
	case document.endedAs(errs.Held, ""):
		document.Status = Held
	case document.endedAs(errs.Cancelled, shutdown):
		document.Status = Stopped
	}
	document.skipped()
	document.explain()
	d.leftOut(ctx, frame, in, &document)
	document.Built = builtBy(in, steps)
	handover, err := stage.HandoverOf(steps)
	if err != nil {
		return Output{}, err
	}
	if handover != nil {
		document.HandedOver = handover.Run
	}
	if document, err = store(ctx, d.Bucket, document); err != nil {
		return Output{}, err
	}
	frame.Log.Info("recorded the run", "status", document.Status, "bucket", in.Bucket, "key", bucket.RunRecordKey(frame.Workflow))
	if document.unpaged != nil {
		frame.Log.Warn("a page of the run or of the pipeline was not stored; generator report writes it from the records", "error", document.unpaged)
	}
	d.release(ctx, frame, document)
	if !in.Silent {
		d.announce(ctx, frame, in, document)
	}
	return Output{}, nil
}

// deployed reports whether the run proves its commit: it deployed it, and nobody left
// environments out. The check of a pull request deploys nothing, nor does a run that handed
// over.
func (d *Document) deployed() bool {
	return d.Status == "Succeeded" && len(d.LeftOut) == 0 && slices.ContainsFunc(d.Steps, func(s stage.Record) bool { return strings.HasPrefix(s.Step, plan.Deploy("")) })
}

// leftOut adds the stacks and environments that the run does not deploy. For a
// run that was handed over, these are in the record of its origin.
func (d Deps) leftOut(ctx context.Context, frame stage.Frame, in Input, document *Document) {
	var own stage.Record
	if at := slices.IndexFunc(document.Steps, func(s stage.Record) bool { return s.Step == plan.Pipeline }); at >= 0 {
		own = document.Steps[at]
	}
	first := own
	if in.Origin != "" {
		var err error
		if first, err = d.step(ctx, in.Origin, plan.Pipeline); err != nil {
			frame.Log.Warn("cannot read the findings of the run that handed over", "run", in.Origin, "error", err)
		}
	}
	document.Undeployed, document.Unreached = names(first.Outputs[stage.UndeployedOutput]), names(own.Outputs[stage.UnreachedOutput])
	document.Removed = stage.ParseRemoved(first.Outputs[stage.RemovedOutput])
	if !plan.Purpose(in.Purpose).Builds() { // the person chose the others
		document.LeftOut = strings.FieldsFunc(own.Outputs[plan.LeftOut], func(r rune) bool { return r == ',' })
	}
	document.Attested = in.Purpose != "" && own.Outputs[stage.AttestedOutput] == "true"
}

// step reads the record of the last attempt of a step of a run.
func (d Deps) step(ctx context.Context, workflow, name string) (stage.Record, error) {
	steps, err := stage.StepRecords(ctx, d.Bucket, workflow)
	if err != nil {
		return stage.Record{}, err
	}
	at := slices.IndexFunc(steps, func(s stage.Record) bool { return s.Step == name })
	if at < 0 {
		return stage.Record{}, errs.Failedf("run %q has no record of step %q", workflow, name)
	}
	return steps[at], nil
}

// names parses the output of a step; it returns none if that is not a list.
func names(output string) (list []string) {
	if json.Unmarshal([]byte(output), &list) != nil {
		return nil
	}
	return list
}

// Skipped is the status of a run whose validation found that it has nothing to do; to Argo
// it succeeded.
const Skipped = "Skipped"

func (d *Document) skipped() {
	at := slices.IndexFunc(d.Steps, func(s stage.Record) bool { return s.Step == plan.Validate })
	if at < 0 || d.Status != "Succeeded" {
		return
	}
	if d.Skipped = d.Steps[at].Outputs[plan.Skipped]; d.Skipped != "" {
		d.Status = Skipped
	}
}

// Status of runs without failures that Argo reports as Failed.
const (
	Stopped    = "Stopped"    // a signal or a user ended it
	Superseded = "Superseded" // a newer commit was to be deployed instead
	Held       = "Held"       // a gate of an environment kept its deployment from beginning
)

// shutdown is the prefix of Argo's message for a node that was ended when a user
// stopped the workflow.
const shutdown = "workflow shutdown with strategy"

// endedAs reports whether some steps of the run ended with errors of a kind, or with a
// message of Argo that has the prefix, and all others succeeded.
func (d *Document) endedAs(kind errs.Kind, prefix string) bool {
	ended := prefix != "" && slices.ContainsFunc(d.Failures, func(f Failure) bool { return strings.HasPrefix(f.Message, prefix) })
	for _, step := range d.Steps {
		switch step.Status {
		case kind.String():
			ended = true
		case stage.Done:
		default:
			return false
		}
	}
	return ended && d.Status != "Succeeded"
}

// notRetried are Argo's messages for a step whose last attempt is final. The attempt has
// the cause.
var notRetried = []string{"retryStrategy.expression evaluated to false", "No more retries left"}

// explain sets the cause of the failure at the top of the document.
func (d *Document) explain() {
	for _, step := range d.Steps {
		if step.Error != "" {
			d.Error, d.Hint = step.Step+": "+step.Error, step.Hint
			return
		}
	}
	for _, failure := range d.Failures {
		// A DAG node fails with its tasks and has no message of its own; a retry node has one about retrying.
		if failure.Message == "" || slices.Contains(notRetried, failure.Message) {
			continue
		}
		name, _, _ := strings.Cut(failure.DisplayName, "(") // of an attempt, such as deploy-dev(0)
		d.Error = name + ": " + failure.Message
		if strings.HasPrefix(failure.Message, shutdown) {
			d.Error = name + ": stopped"
		}
		return
	}
}

// records reads the records of the steps but this one, in the order in which they started.
func (d Deps) records(ctx context.Context, workflow, self string) ([]stage.Record, error) {
	steps, err := stage.StepRecords(ctx, d.Bucket, workflow)
	if err != nil {
		return nil, err
	}
	steps = slices.DeleteFunc(steps, func(s stage.Record) bool { return s.Step == self }) // of an earlier attempt
	sort.SliceStable(steps, func(i, j int) bool { return steps[i].Started.Before(steps[j].Started) })
	return steps, nil
}

// parseFailures parses workflow.failures. Argo quotes the JSON once more, so that
// it survives template substitution.
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
