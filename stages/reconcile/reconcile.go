package reconcile

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/contract"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Help describes the stage on the command line.
const Help = `Start the run of a push that was missed.

Compares the head of the branch with the runs that there are: those that are
recorded in the artifact bucket, and those that the cluster still has. A head
that had no run gets one, the same that its push would have started. A run that
failed is a run: it is started again by a person, not every fifteen minutes.

Example:

  deployer reconcile --repository https://github.com/my-org/my-app.git --branch main \
    --bucket aphex-pipeline-artifacts-111111111111-eu-west-1 --prefix my-app- \
    --sensor my-app-sensor --namespace argo-events
`

// Input is what the stage is given.
type Input struct {
	Repository  string `help:"https URL of the repository." required:"" placeholder:"URL"`
	Branch      string `help:"Branch whose head is compared." required:""`
	Bucket      string `help:"Artifact bucket, with the records of runs." required:""`
	Prefix      string `help:"What the names of runs begin with; the commit follows." required:""`
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
			return fault.Invalidf("--%s must have a value", name)
		}
	}
	return nil
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

// Missed is a commit whose push was missed, and the Sensor that would have
// started its run.
type Missed struct{ Namespace, Sensor, Commit string }

// Deps are what the stage works with.
type Deps struct {
	// Head gives the commit that the branch points to, or "".
	Head func(ctx context.Context, frame stage.Frame, in Input) (string, error)
	// List gives the keys of a bucket that begin with a prefix.
	List func(ctx context.Context, bucket, prefix string) ([]string, error)
	// Start starts the run of a commit, unless there is one of its name.
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
	recorded, err := d.recorded(ctx, in.Bucket, in.Prefix+head)
	if err != nil {
		return Output{}, err
	}
	if recorded {
		out.Result = Done
		frame.Log.Info("the head of the branch had its run", "commit", head)
		return out, nil
	}
	return d.start(ctx, frame, in, out)
}

func (d Deps) start(ctx context.Context, frame stage.Frame, in Input, out Output) (Output, error) {
	name, started, err := d.Start(ctx, Missed{in.Namespace, in.Sensor, out.Commit})
	if err != nil {
		return Output{}, fmt.Errorf("starting the run of commit %s: %w", out.Commit, err)
	}
	out.Result = Running
	if started {
		out.Result = Started
		frame.Log.Warn("a push was missed; its run was started", "commit", out.Commit, "run", name)
		return out, nil
	}
	frame.Log.Info("the head of the branch has its run", "commit", out.Commit, "run", name)
	return out, nil
}

// recorded says whether a run of that name came to its end.
func (d Deps) recorded(ctx context.Context, bucket, run string) (bool, error) {
	key := stage.RunRecordKey(run)
	keys, err := d.List(ctx, bucket, key)
	if err != nil {
		return false, fmt.Errorf("looking for the record of run %q: %w", run, err)
	}
	for _, found := range keys {
		if found == key {
			return true, nil
		}
	}
	return false, nil
}
