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
const Help = `Start the run of a missed push, and those of triggers.schedule.

Compares the head of the branch with the existing runs: those recorded in the
artifact bucket, and those that are still in the cluster. A head without a run
gets the run that its push would have started. A run that handed over is complete
when its successor is: a lost successor is started again. A failed run counts as
a run: retry it yourself; the reconciler does not, or it would do so every fifteen
minutes.

At the times of --schedule, a head whose run has ended gets one more, however that
ended.

Example:

  deployer reconcile --repository https://github.com/my-org/my-app.git --branch main \
    --bucket aphex-shop-111111111111-eu-west-1 --prefix my-app- \
    --sensor my-app-sensor --namespace argo-events
`

// Input is the input of the stage.
type Input struct {
	Repository  string `help:"https URL of the repository." required:"" placeholder:"URL"`
	Branch      string `help:"Branch whose head to compare." required:""`
	Bucket      string `help:"Artifact bucket, with the records of runs." required:""`
	Prefix      string `help:"Prefix of the names of runs, followed by the first 32 digits of the commit." required:""`
	Sensor      string `help:"Sensor that starts runs." required:""`
	Namespace   string `help:"Namespace of the Sensor." required:""`
	TokenSecret string `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}." placeholder:"NAME"`
	GithubApp   string `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host        string `help:"Host the repository must be on." default:"github.com"`
	Schedule    string `help:"triggers.schedule, with its time zone: CRON_TZ=Europe/Berlin 0 3 * * *." placeholder:"CRON"`
	Created     string `help:"When this run was created, RFC 3339: is a time of --schedule due?" placeholder:"TIME"`
	AllowLocal  bool   `help:"Accept a repository on this machine (file://). For local runs only."`
}

// Validate rejects empty values.
func (in Input) Validate() error {
	for name, value := range map[string]string{
		"repository": in.Repository, "branch": in.Branch, "bucket": in.Bucket, "prefix": in.Prefix, "sensor": in.Sensor, "namespace": in.Namespace,
	} {
		if value == "" {
			return errs.Invalidf("--%s must not be empty", name)
		}
	}
	if _, _, err := in.due(); err != nil {
		return err
	}
	return checkout.CheckURL(in.Repository, in.Host, in.AllowLocal)
}

// Output is the output of the stage.
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

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "reconcile") }

// Pushers of the runs that the reconciler starts.
const (
	MissedPush = "missed-push"
	OnSchedule = "schedule"
)

// Missed is a run to start, with the parameters the Sensor would have given it.
type Missed struct {
	Namespace, Sensor string
	Run               string // name of the run
	Commit            string
	Pusher            string
	Former            string // name of the commit's run in earlier versions; may be empty
	// Set for the successor of Origin, which handed over; Handover is nil otherwise.
	Origin   string
	Handover *stage.Handover
}

// Deps are the dependencies of the stage.
type Deps struct {
	// Head returns the commit that the branch points to, or "".
	Head func(ctx context.Context, frame stage.Frame, in Input) (string, error)
	// Bucket has the records of runs.
	Bucket bucket.Bucket
	// Start starts a run, unless one of its name or its former name exists.
	Start func(ctx context.Context, missed Missed) (name string, started bool, err error)
}

// Run compares the head of the branch with the runs and starts a missing one.
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
		if missed, err = d.again(ctx, in, head); err != nil {
			return Output{}, err
		}
	}
	if missed == nil {
		out.Result = Done
		return out, d.warnMovedBack(ctx, frame, head)
	}
	return d.start(ctx, frame, *missed, out)
}

// warnMovedBack warns if another commit than the head of the branch is deployed
// although the head had its run: moving a branch back to a commit starts nothing,
// as each commit has one run.
func (d Deps) warnMovedBack(ctx context.Context, frame stage.Frame, head string) error {
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
	frame.Log.Warn("the head of the branch had its run, but another commit is deployed: moving a branch back, or a failed run, "+
		"does not start a deployment", "head", head, "deployed", deployed.Commit, "run", deployed.Run,
		"hint", "to go back, push a revert: git revert; to retry a failed run: argo resubmit")
	return nil
}

// missing returns the run of the commit that does not exist: the first run, or
// the successor it handed over to. It returns nil if none is missing.
func (d Deps) missing(ctx context.Context, in Input, commit string) (*Missed, error) {
	first, former := plan.FirstRun(in.Prefix, commit), plan.FormerFirstRun(in.Prefix, commit)
	records := stage.Records{Bucket: d.Bucket}
	record, err := records.First(ctx, first, former)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return &Missed{Namespace: in.Namespace, Sensor: in.Sensor, Run: first, Commit: commit, Pusher: MissedPush, Former: former}, nil
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
	switch {
	case missed.Handover != nil:
		frame.Log.Warn("a run handed over to a run that does not exist; started that run", "commit", out.Commit, "run", name)
	case missed.Pusher == OnSchedule:
		frame.Log.Info("started a run of the head of the branch, as triggers.schedule says", "commit", out.Commit, "run", name)
	default:
		frame.Log.Warn("found a missed push; started its run", "commit", out.Commit, "run", name)
	}
	return out, nil
}
