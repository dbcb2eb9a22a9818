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

Reads windows and freezes of the environment in the configuration of the commit, and from
the bucket the freeze that a person made (generator freeze) and the overrides of the run
(generator override). It ends when all gates are open, when a newer run waits for the same
environment, or with an error if no gate opens within six days.

Example:

  deployer gate --environment prod --commit $(git rev-parse HEAD) --bucket aphex-shop-111111111111-eu-west-1 \
    --artifact <key> --digest sha256:<hex>
`

// Input is the input of the stage.
type Input struct {
	Environment string `help:"Name of the environment whose gates to wait for." required:""`
	bucket.Workspace
	Purpose      string        `help:"What a person wants of the run; none of a push." enum:",rollback,redeploy,promote,retry,start" default:""`
	Config       string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest string        `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	ClockOffset  time.Duration `help:"Add this to the time that windows and freezes are compared with, to try them." default:"0s"`
}

// Validate requires a workspace, and a bucket: what people said of the gates is there.
func (in Input) Validate() error {
	if err := in.Workspace.Validate(); err != nil {
		return err
	}
	if in.Bucket == "" && in.ArtifactDir == "" {
		return errs.Invalidf("there is no bucket to read freezes and overrides from").WithHint("pass --bucket")
	}
	return nil
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
	cfg, err := d.declared(ctx, frame, in)
	if err != nil {
		return out, err
	}
	env, found := cfg.Environment(in.Environment)
	if !found { // the deployment says so
		return out, nil
	}
	w := waiting{Deps: d, frame: frame, in: in, cfg: cfg, env: env, began: time.Now()}
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
	cfg    *config.Config
	env    config.Environment
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
		w.frame.Log.Warn("the gates cannot be looked at; they are looked at again", "environment", w.env.Name, "error", err)
	}
	if time.Since(w.blind) > mostBlind {
		return 0, err
	}
	return mostPause, nil
}

func (w *waiting) evaluate(ctx context.Context) (left time.Duration, err error) {
	known, err := gate.Store{Bucket: w.Bucket}.Known(ctx, w.frame.Workflow, w.env.Name)
	if err != nil {
		return 0, err
	}
	known.Now, known.Environment = time.Now().Add(w.in.ClockOffset), w.env
	w.gates = gate.Evaluate(known)
	if w.gates.Pass() {
		w.gates.Log(w.frame.Log)
		return 0, nil
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

// declared reads the configuration of the commit.
func (d Deps) declared(ctx context.Context, frame stage.Frame, in Input) (*config.Config, error) {
	var source []byte
	var err error
	if in.Source != "" {
		source, err = config.Read(in.Source, in.Config)
	} else {
		source, err = in.FetchFile(ctx, d.Bucket, frame.Log, in.Config)
		defer d.Bucket.Release()
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
