package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Start the run of a push that was missed.

Compares the head of the branch with the runs that there are: those that are
recorded in the artifact bucket, and those that the cluster still has. A head
that had no run gets one, the same that its push would have started. A run that
handed over has ended when the run that goes on has: if that one was lost, it is
started. A run that failed is a run: it is started again by a person, not every
fifteen minutes.

Example:

  deployer reconcile --repository https://github.com/my-org/my-app.git --branch main \
    --bucket aphex-shop-111111111111-eu-west-1 --prefix my-app- \
    --sensor my-app-sensor --namespace argo-events
`

// Input is what the stage is given.
type Input struct {
	Repository  string `help:"https URL of the repository." required:"" placeholder:"URL"`
	Branch      string `help:"Branch whose head is compared." required:""`
	Bucket      string `help:"Artifact bucket, with the records of runs." required:""`
	Prefix      string `help:"What the names of runs begin with; the first 32 digits of the commit follow." required:""`
	Sensor      string `help:"Sensor that starts runs." required:""`
	Namespace   string `help:"Namespace of the Sensor." required:""`
	TokenSecret string `help:"Secret in Secrets Manager that holds the repository's token as {\"token\": \"…\"}." placeholder:"NAME"`
	Host        string `help:"Only host that the repository may be on." default:"github.com"`
	AllowLocal  bool   `help:"Accept a repository on this machine (file://); for local runs only."`
}

// Validate refuses what cannot name a run.
func (in Input) Validate() error {
	for name, value := range map[string]string{
		"repository": in.Repository, "branch": in.Branch, "bucket": in.Bucket, "prefix": in.Prefix, "sensor": in.Sensor, "namespace": in.Namespace,
	} {
		if value == "" {
			return errs.Invalidf("--%s must have a value", name)
		}
	}
	return checkout.CheckURL(in.Repository, in.Host, in.AllowLocal)
}

// Output is what the stage leaves.
type Output struct {
	Result string `output:"result" help:"started, running, done, or empty: the branch has no commit."`
	Commit string `output:"commit" help:"Head of the branch."`
}

// The values of Output.Result.
const (
	Started = "started"
	Running = "running"
	Done    = "done"
	Empty   = "empty"
)

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "reconcile") }

// Missed is a run that has to be started, as the Sensor would have started it.
type Missed struct {
	Namespace, Sensor string
	Run               string // name of the run
	Commit            string
	Pusher            string
	Former            string // name that a run of the commit would have had in a former version; empty for none
	// Of a run that went on where another one, Origin, handed over; Handover is nil otherwise.
	Origin   string
	Handover *stage.Handover
}

// Deps are what the stage works with.
type Deps struct {
	// Head gives the commit that the branch points to, or "".
	Head func(ctx context.Context, frame stage.Frame, in Input) (string, error)
	// Bucket has the records of runs.
	Bucket bucket.Bucket
	// Start starts a run, unless there is one of its name, or of its former name.
	Start func(ctx context.Context, missed Missed) (name string, started bool, err error)
}

// Run compares and, where there was no run, starts one.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	head, err := d.Head(ctx, frame, in)
	if err != nil {
		return Output{}, err
	}
	out := Output{Commit: head, Result: Empty}
	if head == "" {
		frame.Log.Warn("the branch has no commit", "repository", in.Repository, "branch", in.Branch)
		return out, nil
	}
	missed, err := d.missing(ctx, in, head)
	if err != nil {
		return Output{}, err
	}
	if missed == nil {
		out.Result = Done
		return out, d.tellMovedBack(ctx, frame, head)
	}
	return d.start(ctx, frame, *missed, out)
}

// tellMovedBack says where another commit than the head of the branch is deployed
// although the head had its run: a branch that was moved back to it starts nothing,
// as one commit has one run.
func (d Deps) tellMovedBack(ctx context.Context, frame stage.Frame, head string) error {
	keys, err := d.Bucket.List(ctx, bucket.DeployedKey())
	if err != nil || !slices.Contains(keys, bucket.DeployedKey()) {
		return err
	}
	data, err := d.Bucket.Get(ctx, bucket.DeployedKey())
	if err != nil {
		return fmt.Errorf("reading which commit is deployed: %w", err)
	}
	var deployed stage.Deployed
	if err := json.Unmarshal(data, &deployed); err != nil {
		return errs.Failedf("reading which commit is deployed: %w", err)
	}
	if deployed.Commit == head {
		frame.Log.Info("the head of the branch had its run", "commit", head)
		return nil
	}
	frame.Log.Warn("the head of the branch had its run, and another commit is deployed: a branch that is moved back, or whose last run failed, "+
		"deploys nothing by itself", "head", head, "deployed", deployed.Commit, "run", deployed.Run,
		"hint", "to go back, push a commit that reverts: git revert; to try a failed run again: argo resubmit")
	return nil
}

// missing finds the run of the commit that did not come to its end: its first, or
// the one that this handed over to. It gives nil where nothing is missing.
func (d Deps) missing(ctx context.Context, in Input, commit string) (*Missed, error) {
	first, former := plan.FirstRun(in.Prefix, commit), plan.FormerFirstRun(in.Prefix, commit)
	records := stage.Records{Bucket: d.Bucket}
	record, err := records.First(ctx, first, former)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return &Missed{Namespace: in.Namespace, Sensor: in.Sensor, Run: first, Commit: commit, Pusher: "missed-push", Former: former}, nil
	}
	if record.HandedOver == "" {
		return nil, nil
	}
	next, err := records.Of(ctx, record.HandedOver)
	if err != nil || next != nil {
		return nil, err
	}
	handover, err := stage.HandoverOf(record.Steps)
	if err != nil || handover == nil {
		return nil, err
	}
	return &Missed{
		Namespace: in.Namespace, Sensor: in.Sensor, Run: handover.Run, Commit: commit, Pusher: record.Pusher, Origin: first, Handover: handover,
	}, nil
}

func (d Deps) start(ctx context.Context, frame stage.Frame, missed Missed, out Output) (Output, error) {
	name, started, err := d.Start(ctx, missed)
	if err != nil {
		return Output{}, fmt.Errorf("starting the run of commit %s: %w", out.Commit, err)
	}
	out.Result = Running
	if !started {
		frame.Log.Info("the head of the branch has its run", "commit", out.Commit, "run", name)
		return out, nil
	}
	out.Result = Started
	what := "a push was missed; its run was started"
	if missed.Handover != nil {
		what = "a run handed over to one that is not there; it was started"
	}
	frame.Log.Warn(what, "commit", out.Commit, "run", name)
	return out, nil
}
