package deploy

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// job is a request being carried out.
type job struct {
	Request
	engine Engine
	report *reporter
	entry  *awsauth.Access
	loan   *awsauth.CredentialServer
	beside sync.WaitGroup // what goes on beside the deployments

	parameters  map[string]map[string]string // given ones, by target
	arrangement Arrangement                  // all stacks, also those that are not deployed now
}

func (e Engine) newJob(r Request) *job {
	return &job{Request: r, engine: e, report: &reporter{e.Reporter, r.Name}}
}

// enter enters the account, compares it, and lends its credentials to commands.
func (j *job) enter(ctx context.Context) error {
	defer j.report.begin("assuming access to account " + j.Account)()
	var err error
	j.entry, err = j.engine.Assume(ctx, j.engine.Log, awsauth.Target{
		Account: j.Account, Region: j.Region, RoleARN: j.RoleARN, ExternalID: j.ExternalID,
		Environment: j.Name, Commit: j.Commit, Run: j.engine.Run,
	})
	if err != nil {
		return fmt.Errorf("accessing environment %s (account %s, %s): %w", j.Name, j.Account, j.Region, err)
	}
	if j.loan, err = j.entry.ServeCredentials(j.engine.Redactor.Add); err != nil {
		return err
	}
	j.engine.Log.Info("entered", "environment", j.Name, "account", j.Account, "region", j.Region, "identity", j.entry.Commands.ARN)
	return nil
}

// environ gives the environment of commands, with the outputs so far.
func (j *job) environ(outputs cmdenv.Outputs) ([]string, error) {
	variables, err := cmdenv.Environment{
		Own: j.Variables, Name: j.Name, Account: j.Account, Region: j.Region, Commit: j.Commit, Branch: j.Branch, Outputs: outputs,
	}.Write(j.Scratch)
	if err != nil {
		return nil, err
	}
	base := checkout.Environ()
	if j.loan != nil {
		base = j.loan.Environ(base)
	}
	return append(base, variables...), nil
}

func (j *job) hooks(ctx context.Context, name string, commands []string, outputs cmdenv.Outputs) error {
	if len(commands) == 0 {
		return nil
	}
	environ, err := j.environ(outputs)
	if err != nil {
		return err
	}
	defer j.report.begin("running the " + name + " hooks")()
	_, err = checkout.RunCommands(ctx, commands, checkout.ExecOptions{
		Runner: j.engine.Runner, Dir: j.Workspace, Env: environ, Out: j.engine.Out, Redactor: j.engine.Redactor, Limit: j.Limit,
	})
	if err != nil {
		return fmt.Errorf("%s hook of environment %s: %w", name, j.Name, err)
	}
	return nil
}

func stackNames(stacks []config.Stack) (names []string) {
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return names
}

// here gives the values of placeholders in a region of the environment's account.
func (j *job) here(region string) assembly.Placeholders {
	return assembly.Placeholders{Account: j.entry.Account, Region: region, Partition: j.entry.Partition}
}

// as enters a role of the assembly, in a region.
func (j *job) as(ctx context.Context, role assembly.Role, region string) (*awsauth.Session, error) {
	return j.entry.Assume(ctx, j.roleIn(role, region), region)
}

// roleIn is a role of the assembly with its placeholders replaced.
func (j *job) roleIn(role assembly.Role, region string) awsauth.Role {
	role = j.here(region).Role(role)
	return awsauth.Role{ARN: role.ARN, ExternalID: role.ExternalID, Tags: role.Tags}
}

func (j *job) scratch(name string) string { return filepath.Join(j.Scratch, name) }

// arrangementOf says what is deployed, of which apps.
func (j *job) arrangementOf(targets []target, apps []*app) (a Arrangement) {
	for _, app := range apps {
		for _, stack := range app.assembly.Stacks {
			a.Paths = append(a.Paths, stack.Path)
		}
	}
	for _, t := range targets {
		a.Stacks = append(a.Stacks, Placed{
			Stack: t.name, Path: t.stack.Path, Name: t.stack.Name, Account: j.Account, Region: t.region, DeployRole: j.roleIn(t.stack.DeployRole, t.region),
		})
	}
	return a
}

// arrange synthesizes, finds the environment's stacks and puts them in order.
func (j *job) arrange(ctx context.Context) ([]target, []*app, []schedule.Node, error) {
	targets, apps, err := j.synthesize(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := findReads(targets); err != nil {
		return nil, nil, nil, err
	}
	if j.parameters, err = j.parametersOf(targets); err != nil {
		return nil, nil, nil, err
	}
	nodes, err := graph(j.Request, targets)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, line := range remarks(targets, nodes) {
		j.engine.Log.Warn(line)
	}
	j.arrangement = j.arrangementOf(targets, apps)
	if targets, nodes, err = only(j.Only, j.Exclusively, targets, nodes); err != nil {
		return nil, nil, nil, err
	}
	return targets, apps, nodes, cmp.Or(j.judge(targets, apps), j.checkTopics(targets))
}
