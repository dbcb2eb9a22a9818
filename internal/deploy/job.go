package deploy

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// job is the execution of a request.
type job struct {
	Request
	engine     Engine
	report     *reporter
	access     *awsauth.Access
	lookups    *awsauth.CredentialServer // for CDK apps and builds of assets; nil without access
	commands   *awsauth.CredentialServer // for hooks
	background sync.WaitGroup            // background work
	sent       string                    // where the workspace was when it was sent to the commands

	parameters map[string]map[string]string // of the request, by target
	selection  Selection                    // all stacks, including those that Only excludes
	unlisted   map[string][]string          // stacks of the app that a target needs and the environment does not list
}

func (e Engine) newJob(r Request) *job {
	return &job{Request: r, engine: e, report: &reporter{e.Reporter, r.Name}, sent: r.Workspace}
}

// assumeAccess assumes access to the account and serves its credentials to commands.
func (j *job) assumeAccess(ctx context.Context) error {
	defer j.report.begin("assuming access to account " + j.Account)()
	var err error
	j.access, err = j.engine.Assume(ctx, j.engine.Log, awsauth.Target{
		Account: j.Account, Region: j.Region, RoleARN: j.RoleARN, ExternalID: j.ExternalID, CommandRoleARN: j.CommandRoleARN, Qualifier: j.qualifiers()[0],
		Environment: j.Name, Commit: j.Commit, Run: j.engine.Run,
	})
	if err != nil {
		return fmt.Errorf("accessing environment %s (account %s, %s): %w", j.Name, j.Account, j.Region, err)
	}
	if j.lookups, err = j.access.ServeLookups(ctx, j.engine.Redactor.Add); err != nil {
		return err
	}
	j.commands = j.lookups
	if j.CommandRoleARN != "" {
		if j.commands, err = j.access.ServeCommands(ctx, j.engine.Redactor.Add); err != nil {
			return err
		}
	}
	j.engine.Log.Info("access assumed", "environment", j.Name, "account", j.Account, "region", j.Region,
		"identity", j.access.Verified.ARN, "apps", j.lookups.Identity(), "hooks", j.commands.Identity())
	return nil
}

// close ends what commands get credentials from.
func (j *job) close() {
	for _, issued := range []*awsauth.CredentialServer{j.lookups, j.commands} {
		if issued != nil {
			_ = issued.Close()
		}
	}
}

// place returns the path at which commands have a file of ours. That of the workspace
// does not depend on where the copy that we read is.
func (j *job) place(path string) string {
	if name, err := filepath.Rel(j.Workspace, path); err == nil && filepath.IsLocal(name) {
		path = filepath.Join(j.sent, name)
	}
	return j.engine.Runner.Place(path)
}

// environ returns the environment variables of commands that get credentials of an
// endpoint; nil is none. Variables of their own take precedence over those of the request.
func (j *job) environ(ctx context.Context, outputs cmdenv.Outputs, issued *awsauth.CredentialServer, own ...string) ([]string, error) {
	variables, err := cmdenv.Environment{
		Own: slices.Concat(j.Variables, own), Name: j.Name, Account: j.Account, Region: j.Region, Commit: j.Commit, Branch: j.Branch, Outputs: outputs,
	}.Write(ctx, j.engine.Runner, j.Scratch)
	if err != nil {
		return nil, err
	}
	var credentials []string
	if issued != nil {
		credentials = issued.Variables()
	}
	return append(checkout.Environ(j.engine.Runner.Environ(), credentials...), variables...), nil
}

func (j *job) hooks(ctx context.Context, name string, commands []string, outputs cmdenv.Outputs) error {
	if len(commands) == 0 {
		return nil
	}
	environ, err := j.environ(ctx, outputs, j.commands, config.Variables(j.Hooks.Env)...)
	if err != nil {
		return err
	}
	if len(j.Hooks.Secrets) > 0 {
		secrets, err := j.engine.Secrets(ctx, j.engine.Redactor, "environment "+j.Name+", hooks.secrets", j.Hooks.Secrets)
		if err != nil {
			return err
		}
		environ = append(environ, secrets...)
	}
	defer j.report.begin("running the " + name + " hooks")()
	_, err = checkout.RunCommands(ctx, commands, checkout.ExecOptions{
		Runner: j.engine.Runner, Dir: j.place(j.Workspace), Env: environ, Out: j.engine.Out, Redactor: j.engine.Redactor, Limit: j.Limit,
		Timeout: checkout.Timeout{Key: "hooks.timeout", Of: j.Hooks.Timeout.Duration()},
		Memory:  config.CommandsMemory,
	})
	if err != nil {
		return fmt.Errorf("%s hook of environment %s: %w", name, j.Name, err)
	}
	return nil
}

// preDeploy runs the hooks before a deployment.
func (j *job) preDeploy(ctx context.Context) error {
	err := j.hooks(ctx, "pre-deploy", j.Hooks.PreDeploy, nil)
	if err != nil || len(j.Hooks.PreDeploy) == 0 {
		return err
	}
	return j.fetchWorkspace(ctx)
}

// fetchWorkspace takes the workspace back after commands that may have changed what is
// read of it. Installed packages are not read, but for those in a cloud assembly, which is
// published from what is here.
func (j *job) fetchWorkspace(ctx context.Context) error {
	from, into := j.place(j.Workspace), j.scratch("workspace-after-hooks")
	dir, err := j.engine.Runner.Fetch(ctx, from, into, bucket.Unread)
	if err != nil {
		return err
	}
	found, err := hasAssembly(dir)
	if err == nil && found {
		dir, err = j.engine.Runner.Fetch(ctx, from, into, command.Selection{})
	}
	if err != nil {
		return err
	}
	j.Workspace = dir
	return nil
}

// hasAssembly reports whether a folder of a workspace is a cloud assembly: cdk.json may name one
// as the app.
func hasAssembly(workspace string) (found bool, err error) {
	err = filepath.WalkDir(workspace, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && !bucket.Unread.Includes(entry.Name(), true):
			return fs.SkipDir
		case entry.Name() == assembly.ManifestFile:
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found, err
}

func stackNames(stacks []config.Stack) (names []string) {
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return names
}

// here returns the values of placeholders in a region of the environment's account.
func (j *job) here(region string) assembly.Placeholders {
	return assembly.Placeholders{Account: j.access.Account, Region: region, Partition: j.access.Partition}
}

// as assumes a role of the assembly, in a region.
func (j *job) as(ctx context.Context, role assembly.Role, region string) (*awsauth.Session, error) {
	if !j.looksOnly {
		return j.access.Assume(ctx, j.roleIn(role, region), region)
	}
	reader, err := j.access.Reader(ctx)
	if err != nil {
		return nil, err
	}
	return reader.In(region), nil
}

// roleIn replaces the placeholders of a role of the assembly.
func (j *job) roleIn(role assembly.Role, region string) awsauth.Role {
	role = j.here(region).Role(role)
	return awsauth.Role{ARN: role.ARN, ExternalID: role.ExternalID, Tags: role.Tags}
}

func (j *job) scratch(name string) string { return filepath.Join(j.Scratch, name) }

func (j *job) selectionOf(targets []target, apps []*app, nodes []schedule.Node) (a Selection) {
	byName := byNames(targets)
	for _, app := range apps {
		for _, stack := range app.assembly.Stacks {
			a.Paths = append(a.Paths, stack.Path)
		}
	}
	for i, t := range targets {
		var needs []string
		for _, name := range nodes[i].After {
			needs = append(needs, byName[name].region+"/"+byName[name].stack.Name)
		}
		a.Stacks = append(a.Stacks, SelectedStack{
			Stack: t.name, Path: t.stack.Path, Name: t.stack.Name, Account: j.Account, Region: t.region, DeployRole: j.roleIn(t.stack.DeployRole, t.region), After: needs,
		})
	}
	return a
}

// selectStacks synthesizes, then selects and orders the environment's stacks.
func (j *job) selectStacks(ctx context.Context) ([]target, []*app, []schedule.Node, error) {
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
	j.unlisted = map[string][]string{}
	for _, t := range targets {
		j.unlisted[t.name] = unlisted(t, targets)
	}
	j.selection = j.selectionOf(targets, apps, nodes)
	if targets, nodes, err = only(j.Only, j.Exclusively, targets, nodes); err != nil {
		return nil, nil, nil, err
	}
	if err := cmp.Or(j.checkMessages(targets, apps), j.checkBounds(targets), j.checkTopics(targets)); err != nil {
		return nil, nil, nil, err
	}
	if j.ExecutionRole != "" {
		for i := range targets {
			targets[i].stack.DeployRole, targets[i].stack.ExecutionRole = assembly.Role{}, j.ExecutionRole
		}
	}
	return targets, apps, nodes, nil
}
