package deploy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// Engine deploys. Its fields are its dependencies.
type Engine struct {
	// Runner runs the CDK app, hooks, and what makes assets.
	Runner command.Runner
	// Enter assumes access to an account, as account.Enter does.
	Assume   func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error)
	Reporter *progress.Reporter // receives all events
	Log      *slog.Logger
	Out      io.Writer        // for the output of commands
	Redactor *redact.Redactor // gets the secrets learnt on the way
	Run      string           // name of the workflow run; empty outside of one
}

// Request says what to deploy, and where.
type Request struct {
	Name       string // of the environment, for people, AWS sessions and commands
	Account    string
	Region     string
	RoleARN    string // role to assume in the account in place of the bootstrap roles; may be empty
	ExternalID string // that this role asks for
	Commit     string
	Branch     string

	Workspace   string         // folder of the repository, built
	Scratch     string         // folder for what is needed in between
	Assembly    string         // folder of an assembly to use in place of a synthesis; may be empty
	Stacks      []config.Stack // in the order to deploy them, as far as their needs allow
	Only        []string       // of these deploy only those, by name, construct path or pattern, and what they need; empty is all
	Exclusively bool           // and not what they need
	Planned     *Plan          // execute this plan and nothing else; nil is whatever the stacks need

	Hooks            config.Hooks
	Variables        []string // for commands, as NAME=value
	Parameters       []Parameter
	Context          map[string]any // for the synthesis, over that of the app
	NotificationARNs []string       // beside those of the stacks

	Concurrency int           // stacks to deploy at once; 0 is 1
	Force       bool          // make a change set even for what seems unchanged
	NoRollback  bool          // leave a stack whose deployment fails as it stops
	MayRollBack bool          // first roll back a stack whose earlier deployment was interrupted; the CDK CLI prompts, unless forced
	Lookups     bool          // let the CDK CLI look up missing context
	Advice      bool          // show what the CDK's rules find in templates of apps that take it as advice
	Limit       time.Duration // how long one command may run
}

// For gives the request to deploy an environment as the configuration declares it.
func For(env config.Environment) Request {
	return Request{
		Name: env.Name, Account: env.Account, Region: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID,
		Stacks: env.Stacks, Hooks: env.Hooks, Variables: env.Variables(), Parameters: configuredParameters(env.Parameters), Context: env.Context,
		NotificationARNs: env.NotificationARNs, Concurrency: env.Concurrency, NoRollback: env.OnFailure == config.StopStack,
	}
}

// Outcome is the result of a request.
type Outcome struct {
	Results     Results     // nil where it did not come to deploying
	Arrangement Arrangement // all stacks of the request, also those that it left out
}

// Deploy carries out a request. The results name every stack, deployed or not.
// The error says why not everything was deployed.
func (e Engine) Deploy(ctx context.Context, r Request) (out Outcome, err error) {
	j := e.newJob(r)
	j.report.Stacks(stackNames(r.Stacks))
	if err := j.enter(ctx); err != nil {
		return out, err
	}
	defer j.loan.Close()
	if err := j.hooks(ctx, "pre-deploy", r.Hooks.PreDeploy, nil); err != nil {
		return out, err
	}
	targets, apps, nodes, err := j.arrange(ctx)
	if err != nil {
		return out, err
	}
	targets, nodes, left, err := r.Planned.keep(targets, nodes)
	if err != nil {
		return out, err
	}
	j.report.choose(targets)

	beside, stop := context.WithCancel(ctx)
	finish := func() { stop(); j.beside.Wait() } // nothing goes on when the stacks are deployed
	defer finish()
	d, err := j.newDeployment(beside, apps)
	if err != nil {
		return out, err
	}
	if err := d.survey(beside, targets); err != nil {
		return out, err
	}
	d.supplyAll(beside, targets, nodes)

	byName := map[string]target{}
	for _, t := range targets {
		byName[t.name] = t
	}
	scheduled := schedule.Run(ctx, r.Concurrency, nodes, func(ctx context.Context, name string) (cfn.Result, error) {
		result, err := d.deployStack(ctx, byName[name])
		if err == nil {
			d.deployed(name)
		}
		if !errors.As(err, new(*invalidTemplates)) { // of which stacks it is the failure, attribute decides
			d.report.ended(name, err)
		}
		return result, err
	})
	finish()
	attribute(scheduled, byName)
	d.report.skipped(scheduled)
	out.Arrangement = j.arrangement
	out.Results, err = conclude(scheduled, byName)
	out.Results = append(out.Results, notPlanned(left, e.Log)...)
	if err != nil {
		return out, err
	}
	return out, j.hooks(ctx, "post-deploy", r.Hooks.PostDeploy, out.Results.Outputs())
}

// deployStack deploys one stack.
func (d *deployment) deployStack(ctx context.Context, t target) (cfn.Result, error) {
	session, goal, err := d.approach(ctx, t)
	if err != nil {
		return cfn.Result{}, err
	}
	options := d.options(t)
	options.Only = d.Planned.prescribe(t.name)
	result, err := cfn.Deploy(ctx, cfn.NewClient(session.Config), goal, options)
	return result, session.Explain(err)
}
