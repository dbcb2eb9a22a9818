package deploy

import (
	"context"
	"os"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// deployment is the state that the stacks of one environment share.
type deployment struct {
	*job
	publisher  *assets.Publisher
	bootstraps awsauth.Bootstraps
	validate   func() (verdict func(context.Context) error)
	isPlan     bool // execute no change set
	discards   bool // and delete them again
	publishing
	reviewed reviewed
	mu       sync.Mutex
	budgets  map[string]*cfn.Budget // by region
}

func (j *job) newDeployment(ctx context.Context, apps []*app, isPlan bool) (*deployment, error) {
	archives := j.scratch("assets")
	if err := os.MkdirAll(archives, 0o755); err != nil {
		return nil, errs.Writing(archives, err)
	}
	environ, err := j.environ(ctx, nil, j.lookups)
	if err != nil {
		return nil, err
	}
	d := &deployment{job: j, isPlan: isPlan, validate: j.validation(ctx, apps), publishing: newPublishing(), budgets: map[string]*cfn.Budget{}}
	d.publisher = assets.New(assets.Options{
		Runner: j.engine.Runner, Place: j.place, Env: environ, Out: j.engine.Out, Limit: j.Limit, Temp: archives, Keep: isPlan,
		Notify: j.report.asset, Redactor: j.engine.Redactor, Registries: j.engine.Registries,
		ImageBuilder: j.engine.ImageBuilder, Workspace: j.Workspace,
	})
	return d, nil
}

// begin starts work in the background and returns a function that waits for it.
func (j *job) begin(work func() error) (wait func(context.Context) error) {
	var failed error
	done := make(chan struct{})
	j.background.Go(func() {
		defer close(done)
		failed = work()
	})
	return func(ctx context.Context) error {
		select {
		case <-done:
			return failed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// assetTarget is the account and region that receive a stack's assets.
func (d *deployment) assetTarget(t target) assets.Target {
	return assets.Target{
		Placeholders: d.here(t.region),
		Assume: func(ctx context.Context, role assembly.Role, region string) (assets.Access, error) {
			if err := d.checkRole(role, region); err != nil {
				return assets.Access{}, err
			}
			session, err := d.as(ctx, role, region)
			if err != nil {
				return assets.Access{}, err
			}
			return session.Config, nil
		},
		Require: func(ctx context.Context, needs assembly.Bootstrap) error { return d.require(ctx, t, needs) },
	}
}

// asExactly assumes a role, without the fallback for a role that cannot be assumed.
func (d *deployment) asExactly(ctx context.Context, role assembly.Role, region string) (assets.Access, error) {
	if err := d.checkRole(role, region); err != nil {
		return assets.Access{}, err
	}
	session, err := d.access.AssumeItself(ctx, d.roleIn(role, region), region)
	if err != nil {
		return assets.Access{}, err
	}
	return session.Config, nil
}

// require checks the bootstrap version with the role that deploys the stack.
func (d *deployment) require(ctx context.Context, t target, needs assembly.Bootstrap) error {
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return err
	}
	return d.bootstraps.Require(ctx, session, d.here(t.region).Resolve(needs.Parameter), needs.MinVersion)
}

// budget returns the API call budget that the stacks of a region share.
func (d *deployment) budget(region string) *cfn.Budget {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.budgets[region] == nil {
		d.budgets[region] = cfn.NewBudget()
	}
	return d.budgets[region]
}
