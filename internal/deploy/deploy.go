package deploy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Engine deploys stacks. Its fields are its dependencies: Runner and Assume are those
// of the program, [Engine.In] adds those of a stage.
type Engine struct {
	// Runner runs the CDK app, hooks, and asset builds.
	Runner command.Runner
	// Assume gets access to an account, as [awsauth.Assume] does.
	Assume func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error)
	// Secrets reads the secrets of a key of the configuration, and returns their variables.
	Secrets func(ctx context.Context, mask *redact.Redactor, key string, secrets map[string]config.Secret) ([]string, error)
	// Records is the bucket of the pipeline's own artifacts and records, to which no app may
	// publish anything; empty outside a pipeline.
	Records string
	// Registries are those that builds of images log in to, read before any command ran.
	Registries assets.Registries
	// ImageBuilder builds the images; nil is docker.
	ImageBuilder assets.ImageBuilder

	Reporter *progress.Reporter // receives all events
	Log      *slog.Logger
	Out      io.Writer        // receives the output of commands
	Redactor *redact.Redactor // receives the secrets that the engine finds
	Run      string           // name of the workflow run; empty outside a workflow
}

// In returns the engine for a stage: with the log, output and redactor of its frame.
// It reports to the frame's screen, or as text or JSON lines, unless options say otherwise.
func (e Engine) In(frame stage.Frame, options progress.Options) Engine {
	options.Screen, options.Log, options.Out = frame.Screen, frame.Log, frame.Out
	if frame.Redactor != nil {
		options.Mask = frame.Redactor.String
	}
	e.Reporter, e.Log, e.Out, e.Redactor, e.Run = progress.New(options), frame.Log, frame.Out, frame.Redactor, frame.Workflow
	return e
}

// Request is what to deploy, and where.
type Request struct {
	Name       string // of the environment, in output, AWS session names and variables of commands
	Account    string
	Region     string
	RoleARN    string // role to assume in place of the bootstrap roles; may be empty
	ExternalID string // external ID that this role and CommandRoleARN require
	// ExecutionRole is the ARN of the role that CloudFormation assumes in place of the
	// stacks' own; the current credentials then deploy, without a deploy role. It may be
	// empty.
	ExecutionRole string
	// CommandRoleARN is the role for hooks and tests; empty gives them a lookup session.
	CommandRoleARN string
	Regions        []string // further regions that stacks and assets may be in
	Qualifiers     []string // of the CDK bootstraps that may be used; none means the default one
	Commit         string
	Branch         string

	Workspace   string         // folder of the built repository, which has been sent to the commands
	Scratch     string         // folder for temporary files
	Assembly    string         // folder of a cloud assembly to deploy without synthesis; may be empty
	Stacks      []config.Stack // in the order of deployment, as far as dependencies allow
	Only        []string       // deploy only these stacks (names, construct paths or patterns) and their dependencies; empty is all
	Exclusively bool           // without the dependencies of Only
	Planned     *planned.Plan  // execute this plan and nothing else; may be nil
	Gates       []planned.Gate // what a deployment waits for, which a plan shows
	// Review decides whether a plan may be executed: that of all stacks, before any changes,
	// and that of one stack whose change set has become another one when its turn comes. It is
	// called by several goroutines. Nil permits all.
	Review func(context.Context, *planned.Plan) error

	// Removed returns the stacks that earlier runs deployed to the environment and that no
	// environment deploys any more, given those that it deploys. Nil is none.
	Removed func(context.Context, Selection) []Removal
	// Destroys means that a deployment deletes these stacks.
	Destroys bool

	Hooks            config.Hooks
	Variables        []string // for commands, as NAME=value
	Parameters       []Parameter
	Context          map[string]any // for the synthesis; overrides the app's context
	NotificationARNs []string       // in addition to those of the stacks
	RollbackAlarms   []string       // ARNs of alarms that roll a stack of their region back; nil keeps those of the stacks
	Monitoring       int            // minutes for which they are watched after a deployment

	// ImportExisting means that stacks adopt the resources that exist with the names that they are given.
	ImportExisting bool

	Concurrency int           // stacks to deploy at once; 0 is 1
	Force       bool          // create a change set even for a stack that seems unchanged
	NoRollback  bool          // do not roll back a stack whose deployment fails
	MayRollBack bool          // first roll back a stack whose earlier deployment was interrupted; the CDK CLI prompts, unless forced
	Lookups     bool          // let the CDK CLI look up missing context
	Advice      bool          // validate the templates of apps that do not enforce it, and print the findings
	Limit       time.Duration // timeout of one command

	gated     config.Environment // whose gates look at plans
	looksOnly bool               // access by lookup roles alone
}

// hidden reports whether there is no access to the account, as a role of its own is for
// deployments alone.
func (r Request) hidden() bool { return r.looksOnly && r.RoleARN != "" }

// For returns the request to deploy an environment as the configuration declares it.
func For(env config.Environment) Request {
	return Request{
		Name: env.Name, Account: env.Account, Region: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID, CommandRoleARN: env.CommandRoleARN,
		Regions: env.Regions, Qualifiers: env.Qualifiers(),
		Stacks: env.Stacks, Hooks: env.Hooks, Variables: env.Variables(), Parameters: configuredParameters(env.Parameters), Context: env.Context,
		NotificationARNs: env.NotificationARNs, Concurrency: env.Concurrency, NoRollback: env.OnFailure == config.StopStack,
		ImportExisting: env.ImportExistingResources, Destroys: env.OnRemovedStack == config.DestroyRemoved, RollbackAlarms: env.RollbackAlarms, Monitoring: env.MonitoringMinutes,
		Gates: gatesOf(env), gated: env,
	}
}

// gatesOf returns what a deployment of the environment waits for by its configuration.
func gatesOf(env config.Environment) (gates []planned.Gate) {
	if plan.RequiresApproval(env) {
		gates = append(gates, planned.Gate{Gate: "approval", Reason: "requiresApproval is set"})
	}
	return append(gates, gate.Before(env, time.Now())...)
}

// settle completes a plan: with what is derived from its stacks, and with the gates that it would be held by.
func (r Request) settle(p *planned.Plan) {
	p.Settle()
	p.Gates = append(slices.Clone(r.Gates), gate.Holding(r.gated, p)...)
}

// Outcome is the result of a request.
type Outcome struct {
	Results   Results   // nil if the request failed before any deployment
	Selection Selection // all stacks of the environment, including those that Only excludes
}

// Deploy executes a request. The results name every stack, deployed or not. The
// error is why a stack was not deployed.
func (e Engine) Deploy(ctx context.Context, r Request) (out Outcome, err error) {
	j := e.newJob(r)
	j.report.Stacks(stackNames(r.Stacks))
	if err := j.assumeAccess(ctx); err != nil {
		return out, err
	}
	defer j.close()
	if err := j.preDeploy(ctx); err != nil {
		return out, err
	}
	targets, apps, nodes, err := j.selectStacks(ctx)
	if err != nil {
		return out, err
	}
	targets, nodes, left, err := keep(r.Planned, targets, nodes)
	if err != nil {
		return out, err
	}
	j.report.choose(targets)

	background, stop := context.WithCancel(ctx)
	var d *deployment
	finish := func() {
		stop()
		j.background.Wait()
		if d != nil {
			d.publisher.LogOut(ctx)
		}
	}
	defer finish()
	if d, err = j.newDeployment(background, apps, false); err == nil {
		err = d.preflight(background, targets)
	}
	if err != nil {
		return out, err
	}
	removed := d.findRemoved(background, targets)
	if d.reviewed, err = d.review(background, apps, targets, nodes, removed); err != nil {
		return out, err
	}
	d.publishAll(background, targets, nodes)

	byName := byNames(targets)
	scheduled := schedule.Run(ctx, r.Concurrency, nodes, func(ctx context.Context, name string) (cfn.Result, error) {
		return d.deployStack(ctx, byName[name])
	})
	finish()
	attribute(scheduled, byName)
	d.report.skipped(scheduled)
	out.Selection = j.selection
	out.Results, err = conclude(scheduled, byName)
	out.Results = append(out.Results, notPlanned(left, e.Log)...)
	if err != nil {
		return out, err
	}
	if err = j.hooks(ctx, "post-deploy", r.Hooks.PostDeploy, out.Results.Outputs()); err == nil {
		err = d.destroyAll(ctx, removed, &out.Results)
	}
	return out, err
}

// deployStack deploys one stack, and reports how that ended.
func (d *deployment) deployStack(ctx context.Context, t target) (result cfn.Result, err error) {
	defer func() {
		if err == nil {
			d.deployed(t.name)
		}
		if !errors.As(err, new(*invalidTemplates)) { // attribute decides which stacks failed
			d.report.ended(t.name, err)
		}
	}()
	session, goal, err := d.openStack(ctx, t)
	if err != nil {
		return cfn.Result{}, err
	}
	options := d.options(t)
	options.Only = prescribe(d.Planned, t.name)
	options.Fresh, options.Permit = d.reviewed.stale[t.name], d.permits(t)
	result, err = cfn.Deploy(ctx, cfn.NewClient(session.Config), goal, options)
	d.lookBehind(ctx, t.region, err)
	return result, session.Explain(err)
}
