package environment

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/surroundings"
	"github.com/aphex/aphex-pipeline/internal/workspace"
)

// Request is one deployment of a workspace to an environment.
type Request struct {
	Environment config.Environment
	Workspace   string // folder of the repository, built
	Scratch     string // folder for what is needed in between
	Commit      string
	Branch      string
	Assembly    string        // folder of an assembly to use in place of a synthesis; may be empty
	Stacks      []string      // deploy only these, by name, construct path or pattern; empty is all
	Exclusively bool          // and not what they need
	Values      Values        // over those of the environment
	Planned     *Plan         // execute this plan and nothing else; nil is whatever the stacks need
	Concurrency int           // in place of the environment's, if positive
	Force       bool          // make a change set even for what seems unchanged
	Rollback    *bool         // on failure, and first what stopped half way; nil is what the environment says
	Lookups     bool          // let the CDK CLI look up missing context
	Advice      bool          // show what the CDK's rules find in templates of apps that take it as advice
	Limit       time.Duration // how long one command may run
}

// job is a request being carried out.
type job struct {
	Request
	deps     Deps
	frame    stage.Frame
	progress *telling
	entry    *account.Entry
	loan     *account.Loan
	beside   sync.WaitGroup // what goes on beside the deployments

	parameters map[string]map[string]string // given ones, by target
	all        []target                     // of the environment, also those that are not deployed now
	apps       []*app
}

// rollsBack says what becomes of a stack whose deployment fails.
func (r Request) rollsBack() bool {
	if r.Rollback != nil {
		return *r.Rollback
	}
	return r.Environment.OnFailure != config.StopStack
}

// mayRollBackFirst says whether a stack that an earlier deployment left half
// way may be rolled back. The CDK CLI asks, unless it is forced.
func (r Request) mayRollBackFirst() bool { return r.rollsBack() && (r.Rollback != nil || r.Force) }

// Deploy carries out a request: account, hooks, synthesis, assets, stacks. The
// results name every stack, deployed or not; they are nil when it did not come
// to deploying. The error says why not everything was deployed.
func Deploy(ctx context.Context, d Deps, frame stage.Frame, r Request) (results []Result, err error) {
	tell := newTelling(d, frame, r.Environment.Name)
	defer tell.Watch()()
	return (&job{Request: r, deps: d, frame: frame, progress: tell}).run(ctx)
}

func (j *job) run(ctx context.Context) (results []Result, err error) {
	j.progress.Stacks(stackNames(j.Environment))
	if err := j.enter(ctx); err != nil {
		return nil, err
	}
	defer j.loan.Close()
	if err := j.hooks(ctx, "pre-deploy", j.Environment.Hooks.PreDeploy, nil); err != nil {
		return nil, err
	}
	results, err = j.deployAll(ctx)
	if err != nil {
		return results, err
	}
	return results, j.hooks(ctx, "post-deploy", j.Environment.Hooks.PostDeploy, outputsOf(results))
}

// enter enters the account, compares it, and lends its credentials to commands.
func (j *job) enter(ctx context.Context) error {
	env := j.Environment
	run := j.frame.Workflow
	if run == "" {
		run = "local"
	}
	defer j.progress.begin("entering account " + env.Account)()
	var err error
	j.entry, err = j.deps.Enter(ctx, j.frame.Log, account.Target{
		Account: env.Account, Region: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID,
		Name: fmt.Sprintf("aphex-%s-%s", env.Name, run),
		Tags: map[string]string{"aphex:environment": env.Name, "aphex:commit": j.Commit, "aphex:run": run},
	})
	if err != nil {
		return fmt.Errorf("entering environment %s (account %s, %s): %w", env.Name, env.Account, env.Region, err)
	}
	j.loan, err = account.Lend(j.entry.Commands)
	if err != nil {
		return err
	}
	j.frame.Redactor.Add(j.loan.Secret())
	j.frame.Log.Info("entered", "environment", env.Name, "account", env.Account, "region", env.Region, "identity", j.entry.Commands.ARN)
	return nil
}

// environ gives the environment of commands, with the outputs so far.
func (j *job) environ(outputs surroundings.Outputs) ([]string, error) {
	env := j.Environment
	variables, err := surroundings.Environment{
		Own: env.Variables(), Name: env.Name, Account: env.Account, Region: env.Region, Commit: j.Commit, Branch: j.Branch, Outputs: outputs,
	}.Write(j.Scratch)
	if err != nil {
		return nil, err
	}
	base := workspace.Environ()
	if j.loan != nil {
		base = j.loan.Environ(base)
	}
	return append(base, variables...), nil
}

func (j *job) hooks(ctx context.Context, name string, commands []string, outputs surroundings.Outputs) error {
	if len(commands) == 0 {
		return nil
	}
	environ, err := j.environ(outputs)
	if err != nil {
		return err
	}
	defer j.progress.begin("running the " + name + " hooks")()
	_, err = workspace.RunCommands(ctx, commands, workspace.Surroundings{
		Dir: j.Workspace, Env: environ, Out: j.frame.Out, Redactor: j.frame.Redactor, Limit: j.Limit,
	})
	if err != nil {
		return fmt.Errorf("%s hook of environment %s: %w", name, j.Environment.Name, err)
	}
	return nil
}

func stackNames(env config.Environment) (names []string) {
	for _, stack := range env.Stacks {
		names = append(names, stack.Name)
	}
	return names
}

// here gives the values of placeholders in a region of the environment's account.
func (j *job) here(region string) assembly.Placeholders {
	return assembly.Placeholders{Account: j.entry.Account, Region: region, Partition: j.entry.Partition}
}

// as enters a role of the assembly, in a region.
func (j *job) as(ctx context.Context, role assembly.Role, region string) (*account.Session, error) {
	return j.entry.Assume(ctx, j.roleIn(role, region), region)
}

// roleIn is a role of the assembly with its placeholders replaced.
func (j *job) roleIn(role assembly.Role, region string) account.Role {
	role = j.here(region).Role(role)
	return account.Role{ARN: role.ARN, ExternalID: role.ExternalID, Tags: role.Tags}
}

func (j *job) scratch(name string) string { return filepath.Join(j.Scratch, name) }
