package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// Compare plans every environment of a commit by comparing the templates of its stacks with
// the deployed ones. It has access by the lookup roles of the bootstraps alone, and creates
// nothing. An environment that cannot be planned has its problem in its plan; the error
// reports the problems that are those of the commit, or why nothing could be planned.
func (e Engine) Compare(ctx context.Context, r CheckRequest) ([]*planned.Plan, error) {
	defer e.Reporter.Begin(progress.Stage, "", "planning "+planned.Count(len(r.Config.Environments), "environment"))()
	workspaces := newCopies(r.Workspace, e.Runner, e.Log, len(r.Config.Environments))
	var nodes []schedule.Node
	for _, env := range r.Config.Environments {
		nodes = append(nodes, schedule.Node{Name: env.Name})
	}
	results := schedule.Run(ctx, atOnce(len(nodes)), nodes, func(ctx context.Context, name string) (compared, error) {
		workspace, err := workspaces.take(ctx)
		if err != nil {
			return compared{}, err
		}
		defer workspaces.put(workspace)
		env, _ := r.Config.Environment(name)
		in := For(env)
		in.Workspace, in.Scratch, in.Commit, in.Branch, in.Lookups, in.Limit = workspace, filepath.Join(r.Scratch, name), r.Commit, r.Branch, r.Lookups, r.Limit
		in.looksOnly, in.CommandRoleARN = true, "" // roles of the user's own are for deployments and tests alone
		return e.compare(ctx, in)
	})
	var plans []*planned.Plan
	var wrong []error
	for _, result := range results {
		if result.Err != nil {
			return nil, fmt.Errorf("environment %s: %w", result.Name, result.Err)
		}
		plans = append(plans, result.Value.plan)
		if err := result.Value.wrong; err != nil {
			wrong = append(wrong, fmt.Errorf("environment %s: %w", result.Name, err))
		}
	}
	return plans, combine(wrong, nil)
}

// compared is the plan of an environment, and what is wrong with the commit there.
type compared struct {
	plan  *planned.Plan
	wrong error
}

// compare plans a request. Its error is temporary, or the end of ctx.
func (e Engine) compare(ctx context.Context, r Request) (compared, error) {
	if err := os.MkdirAll(r.Scratch, 0o755); err != nil {
		return compared{}, errs.Writing(r.Scratch, err)
	}
	plan := r.plan(planned.FromTemplates)
	if r.hidden() {
		plan.Problem = "only its deployment may assume " + r.RoleARN + ", which reads the account"
		plan.Settle()
		return compared{plan: plan}, nil
	}
	j := e.newJob(r)
	err := j.assumeAccess(ctx)
	if err == nil {
		defer j.close()
		if err = j.compareInto(ctx, plan); err == nil {
			return compared{plan: plan}, nil
		}
	} else if denied := err; errs.KindOf(err) != errs.Temporary && ctx.Err() == nil { // no fault of the commit's
		plan.Problem, plan.Hint = j.mask(denied.Error()), j.mask(errs.HintOf(denied))
		plan.Settle()
		return compared{plan: plan}, nil
	}
	if errs.KindOf(err) == errs.Temporary || ctx.Err() != nil {
		return compared{}, err
	}
	if plan.Stacks == nil {
		plan.Problem, plan.Hint = j.mask(err.Error()), j.mask(errs.HintOf(err))
	}
	plan.Settle()
	return compared{plan: plan, wrong: err}, nil
}

// compareInto synthesizes and compares each stack. The error names the stacks that cannot be
// deployed; they are in the plan as well.
func (j *job) compareInto(ctx context.Context, plan *planned.Plan) error {
	targets, apps, nodes, err := j.selectStacks(ctx)
	if err != nil {
		return err
	}
	d, err := j.newDeployment(ctx, apps, true)
	if err != nil {
		return err
	}
	byName := byNames(targets)
	var free []schedule.Node
	for _, t := range targets {
		free = append(free, schedule.Node{Name: t.name})
	}
	stacks := map[string]plannedStack{}
	for _, result := range schedule.Run(ctx, maxPlanned, free, func(ctx context.Context, name string) (plannedStack, error) {
		return d.compareStack(ctx, byName[name]), nil
	}) {
		if errs.KindOf(result.Value.err) == errs.Temporary {
			return result.Value.err
		}
		stacks[result.Name] = result.Value
	}
	if ctx.Err() != nil {
		return errs.Cancelledf("planning was stopped: %w", ctx.Err())
	}
	ordered := inOrder(nodes, stacks)
	plan.Stacks = stacksOf(ordered)
	j.settle(plan)
	return combine(blocked(ordered), nil)
}

func (d *deployment) compareStack(ctx context.Context, t target) plannedStack {
	s := d.stackOf(t)
	prepared, err := d.compared(ctx, t)
	s.Digest, s.TemplateDigest, s.StackID = prepared.Digest, prepared.TemplateDigest, prepared.StackID
	if err == nil {
		err = describe(&s.Stack, t, prepared, d.mask)
	}
	if s.Intent == planned.WillKeep && prepared.Reason != "" {
		s.Because = "it may change all the same: " + prepared.Reason
	}
	if err != nil {
		s.Intent, s.Because, s.Hint, s.err = planned.WillFail, d.mask(err.Error()), d.mask(errs.HintOf(err)), err
	}
	return s
}

func (d *deployment) compared(ctx context.Context, t target) (cfn.Prepared, error) {
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return cfn.Prepared{}, err
	}
	if err := d.adoptLegacy(ctx, &t); err != nil {
		return cfn.Prepared{}, err
	}
	goal, err := d.goal(t)
	if err != nil {
		return cfn.Prepared{}, err
	}
	prepared, err := cfn.Compare(ctx, cfn.NewClient(session.Config), goal, d.options(t), d.nestedIn(t))
	return prepared, session.Explain(err)
}

// nestedIn returns what finds the template of a nested stack among the files of a stack: the
// URL of its template is where the file is published. A template at any other place is not
// known here, whatever its name.
func (d *deployment) nestedIn(t target) func(diff.Resource) []byte {
	return func(r diff.Resource) []byte {
		url := d.here(t.region).Resolve(r.Text("TemplateURL"))
		for _, list := range templatesOf(t.stack) {
			for _, file := range list.Files {
				if file.Path == t.stack.Template || !slices.ContainsFunc(file.Destinations, func(to assembly.FileDestination) bool {
					return isAt(url, d.here(t.region).Resolve(to.Bucket), d.here(t.region).Resolve(to.Key))
				}) {
					continue
				}
				if template, err := limits.ReadFile(file.Path, assembly.MaxDocument); err == nil {
					return template
				}
			}
		}
		return nil
	}
}

// s3 matches the part of a URL of S3 before the bucket, as the CDK writes it. What stands in
// front of a bucket in the name of the host would be another bucket.
var s3 = regexp.MustCompile(`^https://s3(?:[.-][a-z0-9-]+)?\.(?:\$\{AWS::URLSuffix\}|amazonaws\.com(?:\.cn)?)/`)

// isAt reports whether a URL is that of an object of a bucket.
func isAt(url, bucket, key string) bool {
	host := s3.FindString(url)
	return host != "" && bucket != "" && key != "" && url[len(host):] == bucket+"/"+key
}
