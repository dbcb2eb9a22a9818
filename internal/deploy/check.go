package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// Copy makes an exclusive copy of the built workspace, here and at the commands: an app may
// write to its folder during synthesis. A folder of the user is returned again, and sent
// once. It is not called twice at once.
type Copy func(ctx context.Context, to command.Files) (dir string, err error)

// CheckRequest describes a check of whether a commit can be deployed to its environments.
type CheckRequest struct {
	Config    *config.Config
	Commit    string
	Branch    string
	Scratch   string // folder for temporary files
	Workspace Copy
	Lookups   bool          // let the CDK CLI look up missing context
	Limit     time.Duration // timeout of one synthesis
	// Offline leaves out what needs access to the accounts: there are no credentials.
	Offline bool
	// Updates means that the pipeline updates itself between the check and the first
	// deployment. The update may grant access that is still denied: it is no error
	// of the check, and [Checked.Access] checks it again.
	Updates bool
	// LooksOnly means that the check has access by the lookup roles of the bootstraps
	// alone. An environment with a role of its own is synthesized without credentials.
	LooksOnly bool
}

// Checked is what the environments of a commit deploy.
type Checked struct {
	// Undeployed are the construct paths of the app's stacks that no environment deploys.
	Undeployed []string
	// Incomplete means that an environment could not be synthesized, as its context needs
	// a role of the account's own: what its apps have is not known.
	Incomplete bool
	Selections []Selection // one an environment
	denied     []schedule.Result[checked]
	of         int // number of environments
}

// Access checks the access again that was denied to the named environments, or to
// any if none is named. The error reports what is still denied.
func (c Checked) Access(ctx context.Context, environments []string) error {
	var wrong []schedule.Result[checked]
	for _, result := range c.denied {
		if len(environments) > 0 && !slices.Contains(environments, result.Name) {
			continue
		}
		err := result.Value.denied.again(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil || errs.KindOf(err) == errs.Temporary:
			return fmt.Errorf("environment %s: %w", result.Name, err)
		default:
			result.Value.problem = err
			wrong = append(wrong, result)
		}
	}
	return joinProblems(wrong, c.of)
}

// Selection is the stacks that an environment deploys, and those that its apps have.
type Selection struct {
	Paths  []string        // construct paths of all stacks of its apps
	Stacks []SelectedStack // the stacks to deploy
}

// SelectedStack is a stack in its account and region, with the role that deploys it.
type SelectedStack struct {
	Stack      string // name in the configuration
	Path       string // construct path
	Name       string // in CloudFormation
	Account    string
	Region     string
	DeployRole awsauth.Role
	After      []string // stacks of the environment that it needs, each as "region/name in CloudFormation"
}

// Check synthesizes every environment and selects its stacks, as its deployment
// does, and changes nothing. The error reports the problems of all environments:
// an app that fails, missing context, unknown names, a mismatched account or
// region, one stack in two environments, an account without access or bootstrap.
func (e Engine) Check(ctx context.Context, r CheckRequest) (Checked, error) {
	defer e.Reporter.Begin(progress.Stage, "", "synthesizing "+planned.Count(len(r.Config.Environments), "environment"))()
	workspaces := newCopies(r.Workspace, e.Runner, e.Log, len(r.Config.Environments))
	check := (*job).checkDeployable
	if r.Offline {
		check = nil
	}
	var nodes []schedule.Node
	for _, env := range r.Config.Environments {
		nodes = append(nodes, schedule.Node{Name: env.Name})
	}
	results := schedule.Run(ctx, atOnce(len(nodes)), nodes, func(ctx context.Context, name string) (checked, error) {
		workspace, err := workspaces.take(ctx)
		if err != nil {
			return checked{}, err
		}
		defer workspaces.put(workspace)
		env, _ := r.Config.Environment(name)
		in := For(env)
		in.Workspace, in.Scratch, in.Commit, in.Branch, in.Lookups, in.Limit = workspace, filepath.Join(r.Scratch, name), r.Commit, r.Branch, r.Lookups, r.Limit
		if in.looksOnly = r.LooksOnly; in.looksOnly {
			in.CommandRoleARN = "" // for deployments and tests alone
		}
		found, err := e.look(ctx, in, check)
		if err != nil && in.hidden() && in.Lookups && ctx.Err() == nil {
			e.Log.Warn("the environment is not checked before it is deployed, as only its deployment may assume the role that its context needs",
				"environment", name, "role", env.RoleARN, "reason", err)
			return checked{unknown: true}, nil
		}
		if err == nil || errs.KindOf(err) == errs.Temporary || ctx.Err() != nil {
			return checked{Selection: found}, err
		}
		var denied *accessDenied
		if errors.As(err, &denied) && r.Updates {
			return checked{Selection: found, denied: denied}, nil
		}
		return checked{problem: err}, nil // check the other environments all the same
	})
	if workspaces.err != nil { // of no environment
		return Checked{}, workspaces.err
	}
	return joinChecks(results)
}

// Select synthesizes the apps of a request and selects its stacks. It prints
// nothing, as the deployment prints it all. It synthesizes even without access
// to the account, as only the update of the pipeline may grant that access.
func (e Engine) Select(ctx context.Context, r Request) (Selection, error) {
	return e.look(ctx, r, nil)
}

// look selects the stacks of a request and checks them. The check gets the error
// with which access to the account was denied.
func (e Engine) look(ctx context.Context, r Request, check func(*job, context.Context, error, []target, []*app) error) (Selection, error) {
	if err := os.MkdirAll(r.Scratch, 0o755); err != nil {
		return Selection{}, errs.Writing(r.Scratch, err)
	}
	e.Out, e.Log = io.Discard, slog.New(slog.DiscardHandler)
	j := e.newJob(r)
	var denied error
	if r.hidden() {
		check = nil
	} else {
		denied = j.assumeAccess(ctx)
	}
	switch {
	case denied == nil && !r.hidden():
		defer j.close()
	case denied != nil && (errs.KindOf(denied) == errs.Temporary || ctx.Err() != nil):
		return Selection{}, denied
	default:
		j.access = &awsauth.Access{Target: awsauth.Target{Account: r.Account, Region: r.Region}, Partition: config.Partition(r.Region)}
	}
	targets, apps, _, err := j.selectStacks(ctx)
	if err == nil && check != nil {
		err = check(j, ctx, denied, targets, apps)
	}
	return j.selection, err
}

// checkDeployable finds what is certain to fail a deployment: denied access, missing
// bootstraps, images to build without a working docker, and parameters without a
// value.
func (j *job) checkDeployable(ctx context.Context, denied error, targets []target, apps []*app) error {
	if denied != nil {
		return &accessDenied{denied, func(ctx context.Context) error { return j.accessAgain(ctx, targets) }}
	}
	d, err := j.newDeployment(ctx, apps, false)
	if err != nil {
		return err
	}
	if err := d.checkAccess(ctx, targets); err != nil {
		return &accessDenied{err, func(ctx context.Context) error { return d.checkAccess(ctx, targets) }}
	}
	for _, t := range targets {
		if err := d.adoptLegacy(ctx, &t); err != nil {
			return err
		}
		if err := d.ready(ctx, t); assets.CannotBuild(err) {
			return err
		}
		if err := d.checkParameters(ctx, t); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// accessDenied reports an account that cannot be deployed to in its current state.
type accessDenied struct {
	error
	again func(context.Context) error // repeats the check
}

func (a *accessDenied) Unwrap() error { return a.error }

// accessAgain repeats the check of an account whose access was denied.
func (j *job) accessAgain(ctx context.Context, targets []target) error {
	if err := j.assumeAccess(ctx); err != nil {
		return err
	}
	defer j.close()
	d := &deployment{job: j}
	return d.checkAccess(ctx, targets)
}

// checkParameters finds parameters of a stack's template without a value. It
// skips a stack that cannot be read.
func (d *deployment) checkParameters(ctx context.Context, t target) error {
	goal, err := d.goal(t)
	if err != nil || len(goal.Unset()) == 0 {
		return err
	}
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return nil
	}
	stack, err := cfn.Find(ctx, cfn.NewClient(session.Config), t.stack.Name)
	if err != nil {
		return nil
	}
	return cfn.CheckParameters(goal, stack)
}
