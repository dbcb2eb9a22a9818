package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Wait until the gates of an environment let its deployment begin.

Reads from the bucket what the run stored for its gates: the configuration of the commit
and whether the environment requires an approval. Then it reads what people said: approvals
and rejections (generator approve, reject), freezes (generator freeze) and overrides
(generator override). It ends when all gates are open, when a newer run waits for the same
environment, or with an error if a person rejects the deployment or no gate opens within
six days.

Example:

  deployer gate --environment prod --commit $(git rev-parse HEAD) --bucket aphex-shop-111111111111-eu-west-1 \
    --workflow shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d
`

// Input is the input of the stage.
type Input struct {
	Environment string `help:"Name of the environment whose gates to wait for." required:""`
	Commit      string `help:"Full commit SHA of the run." required:""`
	Bucket      string `help:"Artifact bucket, with what the run stored for its gates and what people said of them."`
	// Of runs of earlier versions, which store nothing for their gates.
	Artifact     string        `help:"Key of the built workspace in the bucket, whose configuration to read."`
	Digest       string        `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source       string        `help:"Folder whose configuration to read." type:"path" placeholder:"DIR"`
	ArtifactDir  string        `help:"Folder with the artifact, instead of a bucket; also has what people said." type:"path" placeholder:"DIR"`
	Purpose      string        `help:"What a person wants of the run; none of a push." enum:",rollback,redeploy,promote,retry,start" default:""`
	Config       string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest string        `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	ClockOffset  time.Duration `help:"Add this to the time that windows and freezes are compared with, to try them." default:"0s"`
}

// Validate requires a bucket: what people said of the gates is there. Runs of earlier versions
// name the workspace that has the configuration.
func (in Input) Validate() error {
	if in.Artifact != "" || in.Source != "" || in.ArtifactDir != "" {
		if err := in.workspace().Validate(); err != nil {
			return err
		}
	}
	if in.Bucket == "" && in.ArtifactDir == "" {
		return errs.Invalidf("there is no bucket to read freezes and overrides from").WithHint("pass --bucket")
	}
	return nil
}

func (in Input) workspace() bucket.Workspace {
	return bucket.Workspace{Commit: in.Commit, Bucket: in.Bucket, Artifact: in.Artifact, Digest: in.Digest, Source: in.Source, ArtifactDir: in.ArtifactDir}
}

// Output is the output of the stage.
type Output struct {
	Gates gate.Outcomes `output:"gates" help:"What each gate decided, as JSON."`
}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "gate") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Bucket has the artifact, the state of the runs, and what people said of the gates.
	Bucket bucket.Bucket
}

// Times of the wait. The first looks come soon, for whoever opens the gate at once.
const (
	firstLook = time.Second
	mostPause = 30 * time.Second
	// mostBlind is how long the bucket may not answer.
	mostBlind = time.Hour
	// mostWait leaves a day of a run's deadline for what comes after.
	mostWait = 6 * 24 * time.Hour
)

// Run waits.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (out Output, err error) {
	w := waiting{Deps: d, frame: frame, in: in, began: time.Now()}
	for pause := firstLook; ; pause = min(2*pause, mostPause) {
		left, err := w.look(ctx)
		out.Gates = w.gates
		if err != nil || left == 0 {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// waiting is a run that waits.
type waiting struct {
	Deps
	frame  stage.Frame
	in     Input
	cfg    *config.Config // nil until it was read
	env    config.Environment
	asked  *gate.Asked // nil in a run of an earlier version
	began  time.Time
	blind  time.Time // since when the bucket does not answer; zero if it does
	reason string
	gates  gate.Outcomes
}

// look evaluates the gates. It returns how long to wait at most before the next look; 0 if all
// are open. A bucket that does not answer for a while ends no wait.
func (w *waiting) look(ctx context.Context) (left time.Duration, err error) {
	left, err = w.evaluate(ctx)
	if err == nil || !errs.IsTemporary(err) || ctx.Err() != nil {
		w.blind = time.Time{}
		return left, err
	}
	if w.blind.IsZero() {
		w.blind = time.Now()
		w.frame.Log.Warn("the gates cannot be looked at; they are looked at again", "environment", w.in.Environment, "error", err)
	}
	if time.Since(w.blind) > mostBlind {
		return 0, err
	}
	return mostPause, nil
}

// begin reads what the gates look at. It reports whether the commit has the environment.
func (w *waiting) begin(ctx context.Context) (found bool, err error) {
	if w.cfg == nil && w.frame.Workflow != "" {
		if w.asked, err = (gate.Store{Bucket: w.Bucket}).Asked(ctx, w.frame.Workflow); err != nil {
			return false, err
		}
	}
	if w.cfg == nil {
		if w.cfg, err = w.declared(ctx, w.frame, w.in, w.asked); err != nil {
			return false, err
		}
	}
	w.env, found = w.cfg.Environment(w.in.Environment)
	return found, nil
}

func (w *waiting) evaluate(ctx context.Context) (left time.Duration, err error) {
	if found, err := w.begin(ctx); err != nil || !found { // the deployment says that it is not there
		return 0, err
	}
	known, err := gate.Store{Bucket: w.Bucket}.KnownOf(ctx, w.asked, w.frame.Workflow, w.env.Name)
	if err != nil {
		return 0, err
	}
	known.Now, known.Environment = time.Now().Add(w.in.ClockOffset), w.env
	w.gates = gate.Evaluate(known)
	if w.gates.Pass() || w.gates.Rejected() {
		w.gates.Log(w.frame.Log)
		return 0, w.gates.Held(w.frame.Workflow, w.env.Name)
	}
	if w.frame.Workflow != "" {
		runs := inventory.Store{Bucket: w.Bucket, Engine: deploy.Engine{Run: w.frame.Workflow}}
		if err := runs.CheckWaiting(ctx, w.cfg, w.env, w.in.Commit, plan.Purpose(w.in.Purpose)); err != nil {
			return 0, err
		}
	}
	if now := w.gates.Reason(); now != w.reason {
		w.reason = now
		w.frame.Log.Info("the deployment waits", "environment", w.env.Name, "gates", w.gates.Gates(), "reason", now)
	}
	left = mostWait - time.Since(w.began)
	until := w.gates.Until()
	if left <= 0 || !until.IsZero() && until.Sub(known.Now) > left {
		return 0, tooLong(w.gates, w.frame.Workflow, w.env.Name)
	}
	if !until.IsZero() {
		left = max(until.Sub(known.Now), time.Millisecond)
	}
	return left, nil
}

// tooLong says that a run does not wait until a gate opens.
func tooLong(outcomes gate.Outcomes, run, environment string) error {
	return fmt.Errorf("a run waits at most six days: %w", outcomes.Held(run, environment))
}

// declared reads the configuration of the commit: as the run stored it, or from the workspace in a
// run of an earlier version.
func (d Deps) declared(ctx context.Context, frame stage.Frame, in Input, asked *gate.Asked) (*config.Config, error) {
	var source []byte
	var err error
	switch {
	case in.Source != "":
		source, err = config.Read(in.Source, in.Config)
	case in.Artifact != "" || in.ArtifactDir != "":
		source, err = in.workspace().FetchFile(ctx, d.Bucket, frame.Log, in.Config)
		defer d.Bucket.Release()
	case asked == nil:
		return nil, errs.Failedf("run %q stored nothing for the gates of its environments", frame.Workflow).WithHint("its pipeline step does that: generator retry")
	case asked.Commit != in.Commit:
		return nil, errs.Failedf("run %q stored the gates of commit %s, not of %s", frame.Workflow, asked.Commit, in.Commit).WithHint("a run has one commit: generator retry")
	default:
		source = []byte(asked.Config)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of the built workspace: %w", in.Config, err)
	}
	cfg, err := config.ParseCommitted(in.Config, source, in.ConfigDigest)
	if err != nil {
		return nil, errs.Invalidf("%w", err)
	}
	return cfg.At(in.Config), nil
}
