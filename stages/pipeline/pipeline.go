package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/cloudside"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/contract"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Help describes the stage on the command line.
const Help = `Update the pipeline itself to what a commit declares.

Reads the configuration of the commit, deploys the repository's own pipeline
stack (pipelineStack) if it has one, renders the pipeline's objects and applies
them to the cluster, or to a folder. Running workflows keep the topology they
started with; the next run has the new one.

Example, on a plain folder:

  deployer pipeline --source . --objects ./objects --commit $(git rev-parse HEAD) \
    --bucket aphex-pipeline-artifacts-111111111111-eu-west-1 --region eu-west-1
`

// Input is what the stage is given.
type Input struct {
	Commit  string `help:"Full commit SHA whose pipeline is deployed." required:""`
	Branch  string `help:"Branch of the commit."`
	Config  string `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Bucket  string `help:"Artifact bucket, which the rendered pipeline uses as well." required:""`
	Region  string `help:"Region of the pipeline and of its bucket." env:"APHEX_REGION,AWS_REGION" required:""`
	Account string `help:"Account of the pipeline, whose roles its pods have."`

	// What a configuration that says nothing of GitHub and the cluster was
	// completed with when the pipeline was made.
	GithubOwner  string `help:"Owner of the repository, where the configuration names none." group:"Completion"`
	GithubRepo   string `help:"Name of the repository, where the configuration names none." group:"Completion"`
	GithubBranch string `help:"Branch whose pushes are deployed, where the configuration names none." group:"Completion"`
	ClusterName  string `help:"Name of the cluster, where the configuration names none." group:"Completion"`

	Artifact  string `help:"Key of the built workspace in the bucket."`
	Digest    string `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source    string `help:"Folder to use in place of an artifact." type:"path"`
	Objects   string `help:"Folder that is given the objects in place of a cluster." type:"path"`
	OnFailure string `help:"What a failed update of the pipeline means for the run: continue or stop." enum:"continue,stop" default:"continue"`
}

// Validate refuses an input that names no workspace, or two.
func (in Input) Validate() error {
	if (in.Source == "") == (in.Artifact == "") {
		return fault.Invalidf("exactly one of --source and --artifact names the workspace").
			WithHint("give --artifact and --digest as the build stage printed them, or --source and a folder")
	}
	if in.Artifact != "" && in.Digest == "" {
		return fault.Invalidf("the artifact %q has no digest", in.Artifact).WithHint("give --digest as the build stage printed it")
	}
	return nil
}

// Output is what the stage leaves.
type Output struct {
	Result  string            `output:"result" help:"updated, unchanged, or kept: the update failed and the last good pipeline stays."`
	Changes []manifest.Change `output:"changes" help:"What applying did to each object."`
}

// The values of Output.Result.
const (
	Updated   = "updated"
	Unchanged = "unchanged"
	Kept      = "kept"
)

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "pipeline") }

// Deps are what the stage works with.
type Deps struct {
	Stages plan.Stages
	// Fetch brings an artifact, verified against its digest, into a folder.
	Fetch func(ctx context.Context, bucket, artifact, digest, dir string) error
	// FetchFile reads one file of an artifact, verified against its digest.
	FetchFile func(ctx context.Context, bucket, artifact, digest, name string) ([]byte, error)
	// DeployStack deploys one stack of the workspace in the pipeline's own account.
	DeployStack func(ctx context.Context, frame stage.Frame, workspace string, stack config.Stack, region string) error
	// UpdateCloud brings the pipeline's own AWS side to a template. It may be
	// nil, where the pipeline has none.
	UpdateCloud func(ctx context.Context, frame stage.Frame, cloud Cloud) error
	// Taken says which versions of the template the cluster uses for other
	// content. It may be nil: none.
	Taken func(ctx context.Context, namespace string) func(version, digest string) bool
	// Apply brings the objects to the cluster.
	Apply func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error)
	// Remove removes objects by their names, those that are there. It may be nil,
	// where Apply removes what it is not given.
	Remove func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error)
}

// Cloud is what the pipeline's own AWS side is to become.
type Cloud struct {
	Stack    string // name of the CloudFormation stack
	Role     string // ARN of the role that CloudFormation takes on
	Region   string
	Template []byte // JSON
}

// Run updates the pipeline. A failed update keeps the last good pipeline; the
// run goes on or stops as in.OnFailure says, and says so either way.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	out, err := update(ctx, d, frame, in)
	if err == nil || in.OnFailure == string(config.Stop) || ctx.Err() != nil || fault.KindOf(err) == fault.Temporary {
		return out, err
	}
	frame.Log.Warn("the pipeline could not be updated and stays as it is; the run goes on with the last good pipeline",
		"error", err, "hint", fault.HintOf(err))
	return Output{Result: Kept, Changes: []manifest.Change{}}, nil
}

func update(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	cfg, err := d.configuration(ctx, frame, in)
	if err != nil {
		return Output{}, err
	}
	if err := cfg.FillIn(config.Fallback{
		GithubOwner: in.GithubOwner, GithubRepo: in.GithubRepo, GithubBranch: in.GithubBranch, ClusterName: in.ClusterName,
	}); err != nil {
		return Output{}, fault.Invalidf("%w", err)
	}
	objects, err := d.render(ctx, cfg, in)
	if err != nil {
		return Output{}, err
	}
	cloud, err := renderCloud(cfg, in.place())
	if err != nil {
		return Output{}, err
	}
	if cfg.PipelineStack != nil {
		if err := d.deployOwnStack(ctx, frame, in, *cfg.PipelineStack); err != nil {
			return Output{}, fmt.Errorf("deploying the pipeline's own stack %q: %w", cfg.PipelineStack.Name, err)
		}
	}
	if d.UpdateCloud != nil {
		if err := d.UpdateCloud(ctx, frame, cloud); err != nil {
			return Output{}, fmt.Errorf("updating the pipeline's AWS side (stack %q): %w", cloud.Stack, err)
		}
	}
	changes, err := d.apply(ctx, cfg, objects)
	if err != nil {
		return Output{}, fmt.Errorf("applying the pipeline's objects: %w", err)
	}
	return report(frame, changes), nil
}

// apply brings the objects, and then removes those that only an earlier
// configuration wanted.
func (d Deps) apply(ctx context.Context, cfg *config.Config, objects []manifest.Object) ([]manifest.Change, error) {
	changes, err := d.Apply(ctx, objects)
	if err != nil || d.Remove == nil {
		return changes, err
	}
	removed, err := d.Remove(ctx, argo.Unwanted(cfg))
	return append(changes, removed...), err
}

// configuration reads the configuration of the commit; the rest of the
// artifact is not unpacked for it.
func (d Deps) configuration(ctx context.Context, frame stage.Frame, in Input) (*config.Config, error) {
	var cfg *config.Config
	if in.Source != "" {
		var err error
		if cfg, err = config.Load(filepath.Join(in.Source, filepath.FromSlash(in.Config))); err != nil {
			return nil, fault.Invalidf("%w", err)
		}
		return cfg, nil
	}
	frame.Log.Info("reading the configuration of the built workspace", "key", in.Artifact)
	data, err := d.FetchFile(ctx, in.Bucket, in.Artifact, in.Digest, in.Config)
	if err != nil {
		return nil, fmt.Errorf("reading %s of the built workspace: %w", in.Config, err)
	}
	if cfg, err = config.Parse(in.Config, data); err != nil {
		return nil, fault.Invalidf("%w", err)
	}
	return cfg, nil
}

// deployOwnStack deploys the repository's own pipeline stack.
func (d Deps) deployOwnStack(ctx context.Context, frame stage.Frame, in Input, stack config.Stack) error {
	workspace, done, err := d.workspace(ctx, frame, in)
	if err != nil {
		return err
	}
	defer done()
	return d.DeployStack(ctx, frame, workspace, stack, in.Region)
}

// render makes the objects; they are complete before anything is changed.
func (d Deps) render(ctx context.Context, cfg *config.Config, in Input) ([]manifest.Object, error) {
	place := in.place()
	p, err := plan.New(cfg, d.Stages, place)
	if err != nil {
		return nil, err
	}
	if d.Taken == nil {
		return argo.Objects(cfg, p, place)
	}
	return argo.ObjectsBeside(cfg, p, place, d.Taken(ctx, cfg.ArgoNamespace))
}

func (in Input) place() plan.Place {
	return plan.Place{Account: in.Account, Region: in.Region, Bucket: in.Bucket, Config: in.Config}
}

func renderCloud(cfg *config.Config, place plan.Place) (Cloud, error) {
	template, err := cloudside.Template(cfg, place)
	names := plan.NamesOf(cfg, place)
	return Cloud{names.Stack, place.RoleARN(names.UpdaterRole), place.Region, template}, err
}

func report(frame stage.Frame, changes []manifest.Change) Output {
	out := Output{Result: Unchanged, Changes: changes}
	for _, change := range changes {
		if change.Action != manifest.Unchanged {
			out.Result = Updated
		}
		frame.Log.Info("applied", "object", change.Object, "action", string(change.Action))
	}
	if out.Result == Updated {
		frame.Log.Info("the pipeline was updated; this run keeps its topology, the next one has the new")
	}
	return out
}

func (d Deps) workspace(ctx context.Context, frame stage.Frame, in Input) (dir string, done func(), err error) {
	if in.Source != "" {
		return in.Source, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "pipeline-")
	if err != nil {
		return "", nil, fault.Temporaryf("making a folder for the workspace: %w", err)
	}
	done = func() { _ = os.RemoveAll(dir) }
	frame.Log.Info("fetching the built workspace", "key", in.Artifact)
	if err := d.Fetch(ctx, in.Bucket, in.Artifact, in.Digest, dir); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}
