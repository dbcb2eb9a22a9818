package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Deps are the dependencies of the stage.
type Deps struct {
	Stages plan.Stages
	// Head returns the commit that the branch points to, or "". It may be nil if
	// there can be no newer commit.
	Head func(ctx context.Context, frame stage.Frame, in Input) (string, error)
	// Order returns how the commit of the run relates to another one. It may be nil if
	// no older commit can be deployed.
	Order func(ctx context.Context, frame stage.Frame, in Input, other string) (checkout.Order, error)
	// Bucket has the artifact and, with Head and Order, the records of runs and the
	// commits that the environments have.
	Bucket bucket.Bucket
	// Approved reports whether a person approved that the pipeline uses an access. It
	// may be nil if all are.
	Approved func(ctx context.Context, cfg *config.Config, access plan.Access) (bool, error)
	// Check reports whether the commit can be deployed to every environment, and
	// which stacks no environment deploys. Each call of workspace returns another
	// copy of the built workspace.
	Check func(ctx context.Context, frame stage.Frame, cfg *config.Config, workspace deploy.Copy) (Checked, error)
	// DeployStack deploys one stack of the workspace in the pipeline's own account.
	// CloudFormation assumes the role.
	DeployStack func(ctx context.Context, frame stage.Frame, workspace string, stack config.Stack, region, role string) error
	// UpdateCloud updates the pipeline's own AWS stack to a template. It may be nil
	// if the pipeline has none.
	UpdateCloud func(ctx context.Context, frame stage.Frame, cloud Cloud) error
	// Taken lists the versions of the template that the cluster has with other
	// content. It may be nil: none.
	Taken func(ctx context.Context, namespace string) func(version, digest string) bool
	// Try checks with a dry run that the cluster accepts the objects. It may be nil
	// if Apply validates all objects before it changes any.
	Try func(ctx context.Context, objects []manifest.Object) error
	// Apply applies the objects to the cluster.
	Apply func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error)
	// Remove deletes objects by name, if they exist. It may be nil if Apply prunes.
	Remove func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error)
	// Proven reports whether a run deployed a commit to an environment, and its tests there
	// passed.
	Proven func(ctx context.Context, commit, environment string) (bool, error)
	// Attests reports whether the API server compares who asks for a run with the name in it.
	// It may be nil: nobody does.
	Attests func(ctx context.Context, cfg *config.Config) (bool, error)
	// Start starts the successor run, unless a run of its name exists. It may be nil
	// if the caller continues by itself.
	Start func(ctx context.Context, workflow manifest.Object) (started bool, err error)
}

// Checked is the result of the check of all environments of a commit.
type Checked struct {
	Undeployed []string             // stacks of the app that no environment deploys, by construct path
	Removed    []stage.RemovedStack // stacks that an earlier run deployed and no environment deploys any more
	// Access asks again for what accounts refused when they were checked, as the
	// update of the pipeline may have granted it. The error names what is still
	// refused to the environments, or to any where none is named. It may be nil.
	Access func(ctx context.Context, environments []string) error
}

// Cloud is the desired state of the pipeline's own AWS stack.
type Cloud struct {
	Stack    string // name of the CloudFormation stack
	Role     string // ARN of the role that CloudFormation assumes
	Region   string
	Bucket   string // in which a template is published that is too large to send inline
	Template []byte // JSON
	Tags     map[string]string
}

// Run checks that the commit can be deployed to every environment, updates the
// pipeline, and hands over if the commit declares another pipeline version than
// the run's. A failed update keeps the last good pipeline; in.OnFailure decides
// whether the run continues, and both outcomes are logged. A commit with an
// unreadable declaration is not deployed: it may require an approval.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	if !plan.Purpose(in.Purpose).Builds() {
		return d.again(ctx, frame, in)
	}
	reporter := progress.New(progress.Options{Log: frame.Log, Out: frame.Out})
	defer reporter.Watch()()
	d = d.withProgress(reporter)
	in, declared, newest, err := d.compared(ctx, frame, in)
	if err != nil {
		return Output{}, err
	}
	cfg, err := d.approved(ctx, frame, declared)
	if err != nil {
		return Output{}, err
	}
	checked, err := d.check(ctx, frame, in, cfg)
	if err != nil {
		return Output{}, err
	}
	if err := d.enter(ctx, frame, in, declared, newest); err != nil {
		return Output{}, err
	}
	version, changes, err := d.update(ctx, frame, in, cfg)
	if err != nil {
		err = fmt.Errorf("cannot update the pipeline; the last good version stays in place: %w", err)
	}
	if in.stops(ctx, err) {
		return Output{}, err
	}
	if err := checked.await(ctx, frame, in, err); err != nil {
		return Output{}, err
	}
	out := Output{Result: Kept, Changes: []manifest.Change{}}
	if err == nil {
		out, err = d.follow(ctx, frame, in, cfg, version, changes)
	}
	out.Undeployed, out.Removed = append([]string{}, checked.Undeployed...), append([]stage.RemovedStack{}, checked.Removed...)
	if in.stops(ctx, err) {
		return Output{}, err
	}
	if err != nil {
		frame.Log.Warn("the run continues with the pipeline version it started with, not the one its commit declares", "error", err, "hint", errs.HintOf(err))
	}
	return d.goOn(ctx, frame, in, declared, out)
}

// goOn concludes the step of a run whose commit is to be deployed.
func (d Deps) goOn(ctx context.Context, frame stage.Frame, in Input, declared *config.Config, out Output) (_ Output, err error) {
	if err := d.ready(ctx, frame, out); err != nil {
		return Output{}, err
	}
	if out.Attested, err = d.attested(ctx, in, declared); err != nil {
		return Output{}, err
	}
	out = in.conclude(frame, declared, out)
	if out.Handover != nil {
		return out, nil
	}
	return out, d.ask(ctx, frame, in, declared, in.gatesOf(declared))
}

// stops reports whether a failed update or handover ends the run.
func (in Input) stops(ctx context.Context, err error) bool {
	return err != nil && (in.OnFailure == string(config.Stop) || ctx.Err() != nil || errs.KindOf(err) == errs.Temporary)
}

// grantedWithin is how long access that an update grants may take to hold: IAM is
// eventually consistent.
const grantedWithin = 30 * time.Second

// await waits for the access that accounts refused before the update. After a
// failed update nothing new was granted, and the run deploys its own environments.
func (c Checked) await(ctx context.Context, frame stage.Frame, in Input, updated error) error {
	if c.Access == nil {
		return nil
	}
	var environments []string
	if updated != nil {
		environments = in.Environments
	}
	err := c.Access(ctx, environments)
	for pause := time.Second; err != nil && errs.KindOf(err) != errs.Temporary && updated == nil && pause < grantedWithin; pause *= 2 {
		frame.Log.Info("waiting for access that the update may have granted", "pause", pause.String(), "reason", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		err = c.Access(ctx, environments)
	}
	switch {
	case err == nil:
		return nil
	case updated != nil:
		frame.Log.Warn("cannot update the pipeline", "error", updated, "hint", errs.HintOf(updated))
		return fmt.Errorf("nothing was deployed: %w", err)
	}
	return fmt.Errorf("the pipeline was updated, but nothing was deployed: %w", err)
}

// check checks every environment before anything is changed. It skips a run that
// another one handed over to: that one has checked.
func (d Deps) check(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config) (checked Checked, err error) {
	if in.Origin != "" {
		return checked, nil
	}
	var done []func()
	defer func() {
		for _, remove := range done {
			remove()
		}
	}()
	sent := false
	checked, err = d.Check(ctx, frame, cfg, func(ctx context.Context, to command.Files) (string, error) {
		if in.Source != "" && sent {
			return in.Source, nil
		}
		dir, remove, err := in.workspace(func(w bucket.Workspace, dir string) (string, error) {
			return w.HandCopy(ctx, d.Bucket, to, frame.Log, dir)
		})
		if err == nil {
			done, sent = append(done, remove), true
		}
		return dir, err
	})
	if err != nil {
		return checked, fmt.Errorf("nothing was deployed: %w", err)
	}
	if len(checked.Undeployed) > 0 {
		frame.Log.Warn("the app has stacks that no environment deploys", "stacks", strings.Join(checked.Undeployed, ", "))
	}
	return checked, nil
}

// follow hands over to a run of the version that the commit declares. The output is
// valid also with an error.
func (d Deps) follow(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, version string, changes []manifest.Change) (out Output, err error) {
	out = report(frame, changes)
	if out.Handover, err = d.handOver(ctx, frame, in, cfg, version); err != nil {
		return out, fmt.Errorf("handing over to the pipeline that commit %s declares: %w", in.Commit, err)
	}
	if out.Handover != nil {
		out.Result = HandedOver
	}
	return out, nil
}

// declared returns the configuration of the commit with the defaults of the
// installation, and the digest of its file.
func (d Deps) declared(ctx context.Context, frame stage.Frame, in Input) (cfg *config.Config, digest string, err error) {
	source, err := d.configuration(ctx, frame, in)
	if err != nil {
		return nil, "", err
	}
	if cfg, err = config.ParseCommitted(in.Config, source, in.ConfigDigest); err != nil {
		return nil, "", errs.Invalidf("%w", err)
	}
	cfg = cfg.At(in.Config)
	if err := cfg.FillIn(in.fallback()); err != nil {
		return nil, "", errs.Invalidf("%w", err)
	}
	if err := in.checkHost(cfg); err != nil {
		return nil, "", err
	}
	return cfg, config.Digest(source), nil
}

// approved returns the configuration without the environments that wait for a person, and
// reports them.
func (d Deps) approved(ctx context.Context, frame stage.Frame, cfg *config.Config) (*config.Config, error) {
	if d.Approved == nil {
		return cfg, nil
	}
	var failed error
	approved, waiting, err := plan.Approved(cfg, func(access plan.Access) bool {
		found, err := d.Approved(ctx, cfg, access)
		failed = cmp.Or(failed, err)
		return found
	})
	if failed != nil {
		return nil, fmt.Errorf("reading what a person approved: %w", failed)
	}
	for _, w := range waiting {
		frame.Log.Warn("the environment waits for a person", "environment", w.Environment, "account", w.Access.Account, "reason", w.Message(), "fix", plan.ApproveFix)
	}
	if err != nil {
		return nil, fmt.Errorf("nothing was deployed: %w", err)
	}
	return approved, nil
}

// configuration reads the configuration file of the commit without unpacking the rest
// of the artifact.
func (d Deps) configuration(ctx context.Context, frame stage.Frame, in Input) ([]byte, error) {
	if in.Source != "" {
		source, err := config.Read(in.Source, in.Config)
		if err != nil {
			return nil, errs.Invalidf("%w", err)
		}
		return source, nil
	}
	frame.Log.Info("reading the configuration of the built workspace", "key", in.Artifact)
	source, err := d.Bucket.FetchFile(ctx, in.Artifact, in.Digest, in.Config)
	if err != nil {
		return nil, fmt.Errorf("reading %s of the built workspace: %w", in.Config, err)
	}
	return source, nil
}

// Place returns the place of the pipeline.
func (in Input) Place() plan.Place {
	return plan.Place{Account: in.Account, Region: in.Region, Bucket: in.Bucket, Config: in.Config, Images: plan.Images(in.Images)}
}

// report logs what changed, and how much did not.
func report(frame stage.Frame, changes []manifest.Change) Output {
	out, unchanged := Output{Result: Unchanged, Changes: changes}, 0
	for _, change := range changes {
		if change.Action == manifest.Unchanged {
			unchanged++
			continue
		}
		out.Result = Updated
		frame.Log.Info("applied", "object", change.Object, "action", string(change.Action))
	}
	if unchanged > 0 {
		frame.Log.Info("objects of the pipeline are as the commit declares them", "unchanged", unchanged)
	}
	return out
}

// workspace has the built workspace fetched, and returns its folder and how to remove it.
func (in Input) workspace(fetch func(w bucket.Workspace, dir string) (string, error)) (dir string, done func(), err error) {
	if in.Source != "" {
		dir, err = fetch(bucket.Workspace{Source: in.Source}, "")
		return dir, func() {}, err
	}
	if dir, err = checkout.Scratch("pipeline-"); err != nil {
		return "", nil, err
	}
	done = func() { _ = remove.All(dir) }
	if dir, err = fetch(bucket.Workspace{Artifact: in.Artifact, Digest: in.Digest}, dir); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}
