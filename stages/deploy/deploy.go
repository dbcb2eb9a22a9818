package deploy

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Deploy a commit to one environment.

Enters the environment's account, runs its hooks, synthesizes the CDK apps,
publishes their assets and deploys the environment's stacks through change sets,
telling what happens live. A stack that is as it should be costs two calls. When
a stack fails, nothing new starts, what runs is left to finish, and the outputs
of what was deployed are kept.

A stack of the configuration is the stack of the app with that name, construct
path or id, if its account is the environment's; or, before that, the one whose
name or path begins with the environment's name: DatabaseStack in dev is also
dev-DatabaseStack or Dev/DatabaseStack. Of several, the one in the environment's
region is taken. A pattern of the configuration means all stacks that match, such
as Dev/*; each is then known by its name in CloudFormation. --stacks deploys some
of the environment's stacks, and those that they need.

The app and the hooks find ENVIRONMENT_NAME, COMMIT_SHA, BRANCH, CDK_DEFAULT_ACCOUNT,
CDK_DEFAULT_REGION, the environment's own variables (env in the configuration), and
credentials that renew themselves. --parameters, --context and --notification-arns
have the forms of the CDK CLI's and outrank the configuration's values.

--plan prints what a deployment would do: per stack what is added, modified,
replaced and removed, who gets more rights than before, the roles, the order, the
assets that would be published. It executes nothing and leaves nothing: the change
sets that show what changes are deleted when they have been read, and so is what they
need (an empty stack in place of one that is not there; a template that is too large
for a call, or of a nested stack). With --plan-file all of that is kept. A later
deployment of the same content executes the kept change sets where they still hold,
--execute-plan those and nothing else.

A stack whose deployment fails is rolled back; with --no-rollback, or onFailure: stop
in the configuration, it is left as it stops (CREATE_FAILED, UPDATE_FAILED). The next
deployment with --no-rollback goes on from there, one with --rollback rolls back
first, and one that says neither is an error that names both; so does the CDK CLI,
which asks. Resources are replaced only with rollback. See also deployer rollback.

Examples, on a plain folder:

  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --outputs-file outputs.json
  deployer environment --artifact-dir ./built --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --assembly cdk.out --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --stacks 'Api,Dev/*'
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --plan-file plan.json
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --execute-plan plan.json
`

// Input is what the stage is given.
type Input struct {
	Environment         string        `help:"Name of the environment to deploy to." required:""`
	Commit              string        `help:"Full commit SHA that is deployed." required:""`
	Branch              string        `help:"Branch of the commit."`
	Config              string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Bucket              string        `help:"Artifact bucket, which gets the stack outputs."`
	Artifact            string        `help:"Key of the built workspace in the bucket."`
	Digest              string        `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source              string        `help:"Folder to use in place of an artifact." type:"path" placeholder:"DIR"`
	ArtifactDir         string        `help:"Folder that has the artifact, in place of a bucket; it gets the stack outputs." type:"path" placeholder:"DIR"`
	Assembly            string        `help:"Folder with a cloud assembly to use in place of a synthesis." type:"path" placeholder:"DIR"`
	OutputsFile         string        `help:"File that gets the stack outputs as the CDK CLI's flag of this name writes them, by the stacks' names in CloudFormation." type:"path" placeholder:"FILE"`
	NamedOutputsFile    string        `help:"File that gets the stack outputs by the stacks' names in the configuration, as hooks and tests find them." type:"path" placeholder:"FILE"`
	DetailedOutputsFile string        `help:"File that gets the stack outputs by the same names with their descriptions and export names, for the tester's --outputs-file." type:"path" placeholder:"FILE"`
	Stacks              []string      `help:"Deploy only these stacks of the environment, and what they need: names, construct paths or patterns." sep:"none" placeholder:"NAME,…"`
	Exclusively         bool          `help:"With --stacks: leave out what they need."`
	Parameters          []string      `help:"Value for a parameter of the stacks' templates, over the configuration's: [STACK:]KEY=VALUE. May be given several times." sep:"none" placeholder:"[STACK:]KEY=VALUE"`
	Context             []string      `short:"c" help:"Context for the synthesis, over the configuration's: KEY=VALUE. May be given several times." sep:"none" placeholder:"KEY=VALUE"`
	NotificationARNs    []string      `name:"notification-arns" help:"SNS topics that CloudFormation tells of the stacks' events, beside those of the stacks and the configuration." placeholder:"ARN,…"`
	Plan                bool          `help:"Print what a deployment would do, stack by stack; execute nothing and leave nothing."`
	PlanFile            string        `help:"File that gets the plan as JSON, for --execute-plan; implies --plan, and keeps the change sets." type:"path" placeholder:"FILE"`
	ExecutePlan         string        `help:"Execute the change sets of this plan and nothing else." type:"path" placeholder:"FILE"`
	Concurrency         int           `help:"Stacks to deploy at once, in place of the configuration's number." default:"0"`
	Force               bool          `help:"Make a change set even for a stack that seems unchanged."`
	Rollback            *bool         `help:"Roll back a stack whose deployment fails (--rollback), first also one that an earlier deployment left half way, or leave it as it stops (--no-rollback), in place of onFailure in the configuration." negatable:""`
	Lookups             bool          `help:"Let the CDK CLI look up context that cdk.context.json lacks, as lookups: true in the configuration does."`
	Advice              bool          `help:"Show what the CDK's own rules find in the templates, even if the app lets it stop nothing."`
	Limit               time.Duration `help:"How long one command may run." default:"1h"`
}

// Validate refuses an input that names no workspace, or two.
func (in Input) Validate() error {
	if err := in.built().Validate(); err != nil {
		return err
	}
	if in.Concurrency < 0 {
		return errs.Invalidf("--concurrency is %d, but must be positive", in.Concurrency)
	}
	if in.ExecutePlan != "" && (in.plans() || len(in.Stacks) > 0 || in.Force) {
		return errs.Invalidf("--execute-plan goes with none of --plan, --plan-file, --stacks and --force").
			WithHint("which stacks are deployed, and how, is in the plan")
	}
	if _, err := in.values(); err != nil {
		return err
	}
	if err := in.checkFiles(); err != nil {
		return err
	}
	if in.Exclusively && len(in.Stacks) == 0 {
		return errs.Invalidf("--exclusively goes with --stacks, which is not given")
	}
	return checkout.CheckCommit(in.Commit)
}

// built is the workspace that the flags name.
func (in Input) built() bucket.Workspace {
	return bucket.Workspace{
		Source: in.Source, Artifact: in.Artifact, Digest: in.Digest, Bucket: in.Bucket, ArtifactDir: in.ArtifactDir, Commit: in.Commit,
	}
}

// plans says whether nothing is to be executed.
func (in Input) plans() bool { return in.Plan || in.PlanFile != "" }

// Output is what the stage leaves.
type Output struct {
	Outputs string         `output:"outputs" help:"Key of the stack outputs in the bucket, as {stack: {key: value}}."`
	Summary deploy.Summary `output:"summary" help:"What became of each stack, as JSON."`

	plan *deploy.Plan // that was made
}

// Printed reports whether stdout already has the result: a plan.
func (o Output) Printed() bool { return o.plan != nil }

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "environment") }

// Deps are what the stage works with.
type Deps struct {
	// Runner runs the CDK app, hooks, and what makes assets.
	Runner command.Runner
	// Bucket has the artifact and what is known of earlier deployments, and gets the
	// stack outputs; nil is none.
	Bucket bucket.Bucket
	// Enter enters the account, as account.Enter does.
	Assume func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error)
	// Progress is told of everything that happens; nil draws on the frame's screen,
	// or writes lines for people, or JSON.
	Progress func(progress.Event)
	// Quiet is how long nothing may be told; 0 is 10 s.
	Quiet time.Duration
}

// Engine makes the engine of a stage. It reports where the frame shows it.
func (d Deps) Engine(frame stage.Frame) deploy.Engine {
	options := progress.Options{Report: d.Progress, Screen: frame.Screen, Log: frame.Log, Out: frame.Out, Quiet: d.Quiet}
	if frame.Redactor != nil {
		options.Mask = frame.Redactor.String
	}
	return deploy.Engine{
		Runner: d.Runner, Assume: d.Assume, Reporter: progress.New(options), Log: frame.Log, Out: frame.Out, Redactor: frame.Redactor, Run: frame.Workflow,
	}
}

// inventory is where it is kept what was deployed.
func (d Deps) inventory(engine deploy.Engine) inventory.Store {
	return inventory.Store{Bucket: d.Bucket, Engine: engine}
}

// Check finds out, before any environment is deployed, whether all of them can
// be, and which stacks of earlier runs none of them deploys any more.
func Check(ctx context.Context, d Deps, frame stage.Frame, r deploy.CheckRequest) (deploy.Checked, []stage.RemovedStack, error) {
	engine := d.Engine(frame)
	defer engine.Reporter.Watch()()
	checked, err := engine.Check(ctx, r)
	if err != nil {
		return checked, nil, err
	}
	return checked, d.inventory(engine).Removed(ctx, r.Config, checked.Arrangements), ctx.Err()
}

// Run deploys the commit to the environment. What was deployed before an error
// is in the output beside the error. A plan is printed on standard output.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (out Output, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errs.Stopped(err, out.Summary.GoesOn())
		}
	}()
	if err := errors.Join(checkWritable(in.OutputsFile), checkWritable(in.NamedOutputsFile), checkWritable(in.DetailedOutputsFile), checkWritable(in.PlanFile)); err != nil {
		return Output{}, err
	}
	scratch, err := checkout.Scratch("deploy-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	engine := d.Engine(frame)
	stop := sync.OnceFunc(engine.Reporter.Watch())
	defer stop()
	r, cfg, err := d.request(ctx, frame, engine.Reporter, in, scratch)
	if err != nil {
		return Output{}, err
	}
	out.Summary = deploy.Results{}.Summary(in.Environment, frame.Redactor.String)
	switch {
	case len(r.Stacks) == 0: // the commit has dropped the environment
		return out, nil
	case in.plans():
		out.plan, err = engine.Plan(ctx, r, in.PlanFile != "")
		if out.plan == nil {
			return out, err
		}
		out.Summary = out.plan.Summary()
		stop()
		return out, cmp.Or(err, printPlan(frame.Stdout, out.plan, in.PlanFile))
	}
	durations := d.readDurations(ctx, in, engine.Reporter.Last)
	outcome, err := engine.Deploy(ctx, r)
	known, results := durations(), outcome.Results
	out.Summary = results.Summary(r.Name, frame.Redactor.String)
	if results == nil {
		return out, err
	}
	defer engine.Reporter.Begin(progress.Stage, r.Name, "keeping the stack outputs")()
	for _, line := range results.Collisions() {
		frame.Log.Warn(line)
	}
	key, keepErr := d.keepOutputs(ctx, in, results)
	if err := d.keepDurations(ctx, in, r.Stacks, known, results); err != nil {
		frame.Log.Warn("how long the stacks took was not kept; the next deployment cannot say it", "error", err)
	}
	out.Summary.Removed = d.inventory(engine).Update(ctx, cfg, r, outcome)
	out.Outputs = key
	return out, cmp.Or(err, keepErr)
}

// request says what to deploy: it fetches the workspace, reads its
// configuration, and puts the flags over what the environment declares. It has
// no stacks where a run finds that its commit has dropped the environment.
func (d Deps) request(ctx context.Context, frame stage.Frame, report *progress.Reporter, in Input, scratch string) (r deploy.Request, cfg *config.Config, err error) {
	var planned *deploy.Plan
	if in.ExecutePlan != "" {
		if planned, err = deploy.ReadPlan(in.ExecutePlan, in.Environment, in.Commit); err != nil {
			return r, nil, err
		}
	}
	done := report.Begin(progress.Stage, in.Environment, "fetching the built workspace")
	dir, err := in.built().Fetch(ctx, d.Bucket, frame.Log, filepath.Join(scratch, "workspace"))
	if err != nil {
		return r, nil, err
	}
	done()
	cfg, err = config.Load(filepath.Join(dir, filepath.FromSlash(in.Config)))
	if err != nil {
		return r, nil, errs.Invalidf("%w", err)
	}
	env, found := cfg.At(in.Config).Environment(in.Environment)
	switch {
	case found:
	case frame.Workflow == "": // called by hand
		return r, nil, errs.Invalidf("%w", cfg.NoEnvironment(in.Environment))
	default:
		// A run keeps the topology it started with, and the commit may have dropped the environment.
		frame.Log.Warn("the configuration of this commit has no such environment; nothing is deployed", "environment", in.Environment)
		return r, cfg, nil
	}
	if r, err = in.over(deploy.For(env)); err != nil {
		return r, nil, err
	}
	r.Workspace, r.Scratch, r.Planned = dir, scratch, planned
	r.Lookups = in.Lookups || cfg.Lookups
	return r, cfg, nil
}

// over puts the flags over the request that the configuration makes.
func (in Input) over(r deploy.Request) (deploy.Request, error) {
	given, err := in.values()
	if err != nil {
		return r, err
	}
	r.Parameters = append(r.Parameters, given.parameters...)
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = map[string]any{}
	}
	maps.Copy(r.Context, given.context)
	r.NotificationARNs = slices.Concat(in.NotificationARNs, r.NotificationARNs)
	r.Commit, r.Branch, r.Assembly, r.Limit = in.Commit, in.Branch, in.Assembly, in.Limit
	r.Only, r.Exclusively, r.Force, r.Advice = deploy.SplitNames(in.Stacks), in.Exclusively, in.Force, in.Advice
	r.Concurrency = cmp.Or(in.Concurrency, r.Concurrency)
	if in.Rollback != nil {
		r.NoRollback = !*in.Rollback
	}
	r.MayRollBack = !r.NoRollback && (in.Rollback != nil || in.Force)
	return r, nil
}

// printPlan prints a plan for people, and writes its file if one is asked for.
func printPlan(to io.Writer, plan *deploy.Plan, file string) error {
	terminal := screen.On(to)
	_, err := io.WriteString(to, plan.Text(terminal != nil && terminal.Color()))
	if file != "" {
		err = errors.Join(err, plan.Write(file))
	}
	return err
}
