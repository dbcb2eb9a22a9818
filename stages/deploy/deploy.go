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

Assumes a role in the environment's account, runs the hooks, synthesizes the CDK apps,
publishes their assets and deploys the environment's stacks through change sets,
reporting progress live. An unchanged stack takes two API calls. When a stack fails,
no further stack starts, running ones finish, and the outputs of deployed stacks
are kept.

A stack in the configuration names the stack of the app with that name, construct
path or id in the environment's account. A stack whose name or path begins with the
environment's name takes precedence: DatabaseStack in dev also matches
dev-DatabaseStack and Dev/DatabaseStack. Of several, the one in the environment's
region is used. A pattern in the configuration, such as Dev/*, selects all matching
stacks; each is then known by its name in CloudFormation. --stacks deploys only the
given stacks of the environment and their dependencies.

The environment of the app and the hooks has ENVIRONMENT_NAME, COMMIT_SHA, BRANCH,
CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION, the variables of env in the configuration, and
credentials that refresh automatically. --parameters, --context and --notification-arns
take the same values as in the CDK CLI and override the configuration.

--plan prints what a deployment would do: for each stack the resources added, modified,
replaced and removed, broader permissions, the roles, the order, and the assets to
publish. It executes nothing and leaves nothing behind: change sets are deleted once
read, together with what they required (an empty stack for one that does not exist yet;
a published template that is too large to send inline or belongs to a nested stack).
With --plan-file all of that is kept. A later deployment of the same content executes
the kept change sets that are still valid; --execute-plan executes those and nothing
else.

A stack whose deployment fails is rolled back. With --no-rollback, or onFailure: stop
in the configuration, it is left in CREATE_FAILED or UPDATE_FAILED. The next deployment
with --no-rollback continues from there, one with --rollback rolls back first, and one
with neither fails and names both options (the CDK CLI prompts). Resources are replaced
only with rollback. See also: deployer rollback.

Examples, on a plain folder:

  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --outputs-file outputs.json
  deployer environment --artifact-dir ./built --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --assembly cdk.out --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --stacks 'Api,Dev/*'
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --plan-file plan.json
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --execute-plan plan.json
`

// Input is the input of the stage.
type Input struct {
	Environment         string        `help:"Name of the environment to deploy to." required:""`
	Commit              string        `help:"Full commit SHA to deploy." required:""`
	Branch              string        `help:"Branch of the commit."`
	Config              string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Bucket              string        `help:"Artifact bucket; also stores the stack outputs."`
	Artifact            string        `help:"Key of the built workspace in the bucket."`
	Digest              string        `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source              string        `help:"Folder to use instead of an artifact." type:"path" placeholder:"DIR"`
	ArtifactDir         string        `help:"Folder with the artifact, instead of a bucket; also stores the stack outputs." type:"path" placeholder:"DIR"`
	Assembly            string        `help:"Folder with a cloud assembly to deploy instead of synthesizing." type:"path" placeholder:"DIR"`
	OutputsFile         string        `help:"Write the stack outputs to this file in the format of the CDK CLI, by CloudFormation stack name." type:"path" placeholder:"FILE"`
	NamedOutputsFile    string        `help:"Write the stack outputs to this file by stack name in the configuration, the format of STACK_OUTPUTS." type:"path" placeholder:"FILE"`
	DetailedOutputsFile string        `help:"Write the stack outputs to this file by stack name in the configuration, with descriptions and export names; for tester --outputs-file." type:"path" placeholder:"FILE"`
	Stacks              []string      `help:"Deploy only these stacks of the environment and their dependencies: names, construct paths or patterns." sep:"none" placeholder:"NAME,…"`
	Exclusively         bool          `help:"With --stacks: do not deploy their dependencies."`
	Parameters          []string      `help:"Template parameter, overriding the configuration: [STACK:]KEY=VALUE. Repeatable." sep:"none" placeholder:"[STACK:]KEY=VALUE"`
	Context             []string      `short:"c" help:"Context for the synthesis, overriding the configuration: KEY=VALUE. Repeatable." sep:"none" placeholder:"KEY=VALUE"`
	NotificationARNs    []string      `name:"notification-arns" help:"SNS topics to notify of stack events, in addition to those of the stacks and the configuration." placeholder:"ARN,…"`
	Plan                bool          `help:"Print what a deployment would do, stack by stack; execute nothing and leave nothing behind."`
	PlanFile            string        `help:"Write the plan to this file as JSON, for --execute-plan; implies --plan and keeps the change sets." type:"path" placeholder:"FILE"`
	ExecutePlan         string        `help:"Execute the change sets of this plan and nothing else." type:"path" placeholder:"FILE"`
	Concurrency         int           `help:"Number of stacks to deploy in parallel, overriding the configuration." default:"0"`
	Force               bool          `help:"Create a change set even for a stack that seems unchanged."`
	Rollback            *bool         `help:"Roll back a stack whose deployment fails, and first one whose earlier deployment was interrupted; --no-rollback leaves a failed stack as it is. Overrides onFailure in the configuration." negatable:""`
	Lookups             bool          `help:"Let the CDK CLI look up context missing from cdk.context.json, like lookups: true in the configuration."`
	Advice              bool          `help:"Show the findings of the CDK's own rules even if the app does not enforce them."`
	Limit               time.Duration `help:"Time limit for each command." default:"1h"`
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	if err := in.built().Validate(); err != nil {
		return err
	}
	if in.Concurrency < 0 {
		return errs.Invalidf("--concurrency is %d, but must be positive", in.Concurrency)
	}
	if in.ExecutePlan != "" && (in.plans() || len(in.Stacks) > 0 || in.Force) {
		return errs.Invalidf("--execute-plan cannot be combined with --plan, --plan-file, --stacks or --force").
			WithHint("the plan defines which stacks are deployed, and how")
	}
	if _, err := in.values(); err != nil {
		return err
	}
	if err := in.checkFiles(); err != nil {
		return err
	}
	if len(in.Stacks) > 0 && len(deploy.SplitNames(in.Stacks)) == 0 {
		return errs.Invalidf("--stacks names no stack").
			WithHint("is a shell variable empty? Without --stacks, all stacks of the environment are deployed")
	}
	if in.Exclusively && len(in.Stacks) == 0 {
		return errs.Invalidf("--exclusively requires --stacks")
	}
	return checkout.CheckCommit(in.Commit)
}

// built returns the workspace that the flags name.
func (in Input) built() bucket.Workspace {
	return bucket.Workspace{
		Source: in.Source, Artifact: in.Artifact, Digest: in.Digest, Bucket: in.Bucket, ArtifactDir: in.ArtifactDir, Commit: in.Commit,
	}
}

// plans reports whether only a plan is requested.
func (in Input) plans() bool { return in.Plan || in.PlanFile != "" }

// Output is the output of the stage.
type Output struct {
	Outputs string         `output:"outputs" help:"Key of the stack outputs in the bucket, as {stack: {key: value}}."`
	Summary deploy.Summary `output:"summary" help:"Result of each stack, as JSON."`

	plan *deploy.Plan // set with --plan
}

// Printed reports whether stdout already has the result: a plan.
func (o Output) Printed() bool { return o.plan != nil }

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "environment") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Runner runs the CDK app, hooks, and what makes assets.
	Runner command.Runner
	// Bucket has the artifact and the records of earlier deployments, and stores the
	// stack outputs; it may be nil.
	Bucket bucket.Bucket
	// Assume assumes access to an account, see awsauth.Assume.
	Assume func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error)
	// Progress receives all events; nil draws on the frame's screen, or writes text
	// or JSON lines.
	Progress func(progress.Event)
	// Quiet is the longest time without output; 0 is 10 s.
	Quiet time.Duration
}

// Engine returns the engine of a stage. It reports to the frame.
func (d Deps) Engine(frame stage.Frame) deploy.Engine {
	options := progress.Options{Report: d.Progress, Screen: frame.Screen, Log: frame.Log, Out: frame.Out, Quiet: d.Quiet}
	if frame.Redactor != nil {
		options.Mask = frame.Redactor.String
	}
	return deploy.Engine{
		Runner: d.Runner, Assume: d.Assume, Reporter: progress.New(options), Log: frame.Log, Out: frame.Out, Redactor: frame.Redactor, Run: frame.Workflow,
	}
}

// inventory returns the store of deployed stacks.
func (d Deps) inventory(engine deploy.Engine) inventory.Store {
	return inventory.Store{Bucket: d.Bucket, Engine: engine}
}

// Check reports, before any environment is deployed, whether all of them can be
// deployed, and which stacks of earlier runs no environment deploys any more.
func Check(ctx context.Context, d Deps, frame stage.Frame, r deploy.CheckRequest) (deploy.Checked, []stage.RemovedStack, error) {
	engine := d.Engine(frame)
	defer engine.Reporter.Watch()()
	checked, err := engine.Check(ctx, r)
	if err != nil {
		return checked, nil, err
	}
	return checked, d.inventory(engine).Removed(ctx, r.Config, checked.Selections), ctx.Err()
}

// Run deploys the commit to the environment. On an error, the output has what was
// deployed before it. A plan is printed on standard output.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (out Output, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errs.Stopped(err, out.Summary.StillRunning())
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
	if d.Bucket != nil {
		if err := d.Bucket.Prepare(ctx); err != nil {
			return out, err
		}
	}
	durations := d.readDurations(ctx, in, engine.Reporter.Last)
	outcome, err := engine.Deploy(ctx, r)
	known, results := durations(), outcome.Results
	out.Summary = results.Summary(r.Name, frame.Redactor.String)
	if results == nil {
		return out, err
	}
	defer engine.Reporter.Begin(progress.Stage, r.Name, "storing the stack outputs")()
	for _, line := range results.Collisions() {
		frame.Log.Warn(line)
	}
	key, keepErr := d.keepOutputs(ctx, in, results)
	if err := d.keepDurations(ctx, in, r.Stacks, known, results); err != nil {
		frame.Log.Warn("cannot store the durations of the stacks; the next deployment shows no estimates", "error", err)
	}
	out.Summary.Removed = d.inventory(engine).Update(ctx, cfg, r, outcome)
	out.Outputs = key
	return out, cmp.Or(err, keepErr)
}

// request builds the request: it fetches the workspace, reads its configuration,
// and applies the flags to what the environment declares. It has no stacks if the
// commit of a run has removed the environment.
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
	case frame.Workflow == "": // not a workflow run
		return r, nil, errs.Invalidf("%w", cfg.NoEnvironment(in.Environment))
	default:
		// A run keeps the topology it started with, and the commit may have removed the environment.
		frame.Log.Warn("this commit's configuration does not have the environment; nothing to deploy", "environment", in.Environment)
		return r, cfg, nil
	}
	if r, err = in.over(deploy.For(env)); err != nil {
		return r, nil, err
	}
	r.Workspace, r.Scratch, r.Planned = dir, scratch, planned
	r.Lookups = in.Lookups || cfg.Lookups
	return r, cfg, nil
}

// over applies the flags to the request of the configuration.
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

// printPlan prints a plan as text, and writes its file if requested.
func printPlan(to io.Writer, plan *deploy.Plan, file string) error {
	terminal := screen.On(to)
	_, err := io.WriteString(to, plan.Text(terminal != nil && terminal.Color()))
	if file != "" {
		err = errors.Join(err, plan.Write(file))
	}
	return err
}
