package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// maxPlanned is the number of change sets that are prepared at once; none waits for another.
const maxPlanned = 8

// Plan plans what Deploy would do: it assumes access to the account, synthesizes,
// publishes the templates that CloudFormation needs, and creates change sets
// without executing them. Unless keep is set, it removes all of that again. The
// error names the stacks that cannot be deployed; they are in the plan as well.
func (e Engine) Plan(ctx context.Context, r Request, keep bool) (*planned.Plan, error) {
	j := e.newJob(r)
	if err := j.assumeAccess(ctx); err != nil {
		return nil, err
	}
	defer j.close()
	if len(r.Hooks.PreDeploy) > 0 {
		e.Log.Info("a plan does not run hooks; their results are missing from it")
	}
	targets, apps, nodes, err := j.selectStacks(ctx)
	if err != nil {
		return nil, err
	}
	j.report.choose(targets)
	background, stop := context.WithCancel(ctx)
	defer j.background.Wait()
	defer stop()
	dep, err := j.newDeployment(background, apps, true)
	if err != nil {
		return nil, err
	}
	dep.discards = !keep
	if err := dep.preflight(background, targets); err != nil {
		return nil, err
	}
	if !keep {
		defer dep.withdraw(ctx)
	}
	plan := r.plan(planned.FromChangeSets)
	plan.Kept = keep
	err = dep.fill(ctx, plan, targets, nodes, dep.findRemoved(ctx, targets))
	if plan.Stacks == nil {
		return nil, err
	}
	return plan, err
}

// plan returns the plan of a request, without its stacks.
func (r Request) plan(basis planned.Basis) *planned.Plan {
	return &planned.Plan{
		Version: planned.Version, Environment: r.Name, Account: r.Account, Region: r.Region, Commit: r.Commit, Basis: basis,
		Concurrency: r.Concurrency, PreDeploy: orNone(r.Hooks.PreDeploy), PostDeploy: orNone(r.Hooks.PostDeploy), Gates: r.Gates, Assets: []planned.Asset{},
	}
}

// plannedStack is a stack of a plan, and why it is blocked.
type plannedStack struct {
	planned.Stack
	err error
}

// withdrawLimit is the timeout for removing what a plan published, also after a cancellation.
const withdrawLimit = time.Minute

// withdraw removes the templates that the plan published.
func (d *deployment) withdraw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawLimit)
	defer cancel()
	if err := d.publisher.Withdraw(ctx); err != nil {
		d.engine.Log.Warn("cannot remove a template published for the plan; it is harmless", "error", err)
	}
}

func orNone(commands []string) []string { return append([]string{}, commands...) }

// fill plans each stack and inspects the assets.
func (d *deployment) fill(ctx context.Context, plan *planned.Plan, targets []target, nodes []schedule.Node, gone []removed) error {
	stacks, ordered := d.planAll(ctx, targets, nodes, d.report.ended)
	if ctx.Err() != nil {
		return errs.Cancelledf("planning was stopped: %w", ctx.Err())
	}
	plan.Stacks = append(stacksOf(ordered), planOf(gone)...)
	d.settle(plan)
	var inspectErr error
	plan.Assets, inspectErr = d.inspectAssets(ctx, targets, func(name string) bool {
		at := slices.IndexFunc(nodes, func(n schedule.Node) bool { return n.Name == name })
		return len(changing(nodes[at], nodes, stacks)) > 0
	})
	return errors.Join(combine(blocked(ordered), nil), inspectErr, d.validateTemplates(ctx, plan))
}

// planAll plans all stacks. It returns them by name, and in the order of deployment.
func (d *deployment) planAll(ctx context.Context, targets []target, nodes []schedule.Node, ended func(stack string, err error)) (map[string]plannedStack, []plannedStack) {
	byName := byNames(targets)
	var free []schedule.Node
	for _, t := range targets {
		free = append(free, schedule.Node{Name: t.name})
	}
	stacks := map[string]plannedStack{}
	for _, result := range schedule.Run(ctx, maxPlanned, free, func(ctx context.Context, name string) (plannedStack, error) {
		s := d.planStack(ctx, byName[name])
		ended(name, s.err)
		return s, nil
	}) {
		stacks[result.Name] = result.Value
	}
	return stacks, inOrder(nodes, stacks)
}

func stacksOf(ordered []plannedStack) []planned.Stack {
	stacks := []planned.Stack{}
	for _, s := range ordered {
		stacks = append(stacks, s.Stack)
	}
	return stacks
}

// validateTemplates validates the templates as a deployment would, if anything changes.
func (d *deployment) validateTemplates(ctx context.Context, plan *planned.Plan) error {
	if !slices.ContainsFunc(plan.Stacks, func(s planned.Stack) bool { return !s.Stays() && !s.Removed() }) {
		return nil
	}
	return d.validate()(ctx)
}

func blocked(stacks []plannedStack) (errs []error) {
	for _, s := range stacks {
		if s.Intent == planned.WillFail {
			errs = append(errs, s.err)
		}
	}
	return errs
}

// inOrder returns the stacks in the order in which they would be deployed one at
// a time. A stack that lacks what an earlier one may create waits instead of
// failing.
func inOrder(nodes []schedule.Node, stacks map[string]plannedStack) (ordered []plannedStack) {
	done := map[string]bool{}
	for len(ordered) < len(nodes) {
		at := slices.IndexFunc(nodes, func(n schedule.Node) bool {
			return !done[n.Name] && !slices.ContainsFunc(n.After, func(need string) bool { _, here := stacks[need]; return here && !done[need] })
		})
		node := nodes[at] // there is one: the graph has no cycles
		done[node.Name] = true
		s := stacks[node.Name]
		s.After = slices.DeleteFunc(slices.Clone(node.After), func(need string) bool { _, here := stacks[need]; return !here })
		s.After = append([]string{}, s.After...)
		if lack := missingFor(s.err); lack != "" {
			if first := changing(node, nodes, stacks); len(first) > 0 {
				s.Intent, s.Hint, s.err = planned.WillWait, "", nil
				s.Because = fmt.Sprintf("its change set cannot be created before %s is deployed: %s", strings.Join(first, " and "), lack)
			}
		}
		stacks[node.Name] = s
		ordered = append(ordered, s)
	}
	return ordered
}

// changing returns the direct and indirect dependencies of a node that change.
func changing(node schedule.Node, nodes []schedule.Node, stacks map[string]plannedStack) (names []string) {
	needed := map[string]bool{node.Name: true}
	addNeeds(needed, nodes)
	for _, other := range nodes {
		s, here := stacks[other.Name]
		if here && other.Name != node.Name && needed[other.Name] && s.Intent != planned.WillKeep {
			names = append(names, other.Name)
		}
	}
	return names
}

// planStack prepares the change set of one stack.
func (d *deployment) planStack(ctx context.Context, t target) plannedStack {
	s := d.stackOf(t)
	prepared, err := d.prepareStack(ctx, t)
	s.Digest, s.TemplateDigest, s.StackID, s.ChangeSet = prepared.Digest, prepared.TemplateDigest, prepared.StackID, prepared.ChangeSet
	for _, f := range prepared.Warnings {
		s.Warnings = append(s.Warnings, d.mask(f.Line()))
	}
	if err == nil {
		err = describe(&s.Stack, t, prepared, d.mask)
	}
	if err != nil {
		s.Intent, s.Because, s.Hint, s.err = planned.WillFail, d.mask(err.Error()), d.mask(errs.HintOf(err)), err
	}
	return s
}

// stackOf returns the plan of a stack of which nothing else is known.
func (j *job) stackOf(t target) plannedStack {
	here := j.here(t.region)
	return plannedStack{Stack: planned.Stack{
		Stack: t.name, Name: t.stack.Name, Path: t.stack.Path, Region: t.region, After: []string{},
		DeployRole: here.Resolve(t.stack.DeployRole.ARN), ExecutionRole: here.Resolve(t.stack.ExecutionRole),
		Changes: []planned.Resource{}, Broader: []diff.Broadening{},
	}}
}

func (j *job) mask(text string) string {
	if j.engine.Redactor == nil {
		return text
	}
	return j.engine.Redactor.String(text)
}

func (d *deployment) prepareStack(ctx context.Context, t target) (cfn.Prepared, error) {
	session, goal, err := d.openStack(ctx, t)
	if err != nil {
		return cfn.Prepared{}, err
	}
	prepared, err := cfn.Prepare(ctx, cfn.NewClient(session.Config), goal, d.options(t))
	if prepared.DiscardErr != nil {
		d.engine.Log.Warn("cannot remove what was created for the plan of this stack; the next deployment ignores it",
			"stack", t.name, "error", prepared.DiscardErr)
	}
	return prepared, session.Explain(err)
}

// publishTemplates publishes the templates that CloudFormation reads to create a
// change set. A plan that is not kept sends its template inline if it can.
func (d *deployment) publishTemplates(ctx context.Context, t target) error {
	d.report.busy(t, progress.Publishing)
	defer d.report.busy(t, makingChangeSet)
	for _, list := range templatesOf(t.stack) {
		if d.discards {
			list.Files = slices.DeleteFunc(list.Files, func(file assembly.FileAsset) bool {
				info, err := os.Stat(file.Path)
				return file.Path == t.stack.Template && err == nil && info.Size() <= cfn.MaxInline
			})
		}
		if err := d.publisher.Publish(ctx, list, d.assetTarget(t)); err != nil {
			return fmt.Errorf("publishing the templates of stack %s: %w", t.name, err)
		}
	}
	return nil
}

// missingFor returns what is missing to plan a stack and may be created by an earlier
// one: an export, a parameter, the bucket of its assets, a role that publishes
// them. It is "" for any other error.
func missingFor(err error) string {
	if err == nil {
		return ""
	}
	if missing := (*assets.NoDestinationError)(nil); errors.As(err, &missing) {
		return missing.Error()
	}
	if missing := cfn.Missing(err); missing != "" {
		return missing
	}
	if refused := (*awsauth.NotAssumedError)(nil); errors.As(err, &refused) {
		return "may not assume " + refused.Role
	}
	return ""
}

// templatesOf returns the assets that CloudFormation reads to create a change
// set: the templates of the stack and of its nested stacks.
func templatesOf(stack assembly.Stack) []*assembly.AssetManifest {
	return part(stack, func(file assembly.FileAsset) bool {
		return file.Path == stack.Template || strings.HasSuffix(file.Path, ".nested.template.json")
	}, false)
}

// othersOf returns the assets that only the execution of a change set needs.
func othersOf(stack assembly.Stack) []*assembly.AssetManifest {
	return part(stack, func(file assembly.FileAsset) bool {
		return file.Path != stack.Template && !strings.HasSuffix(file.Path, ".nested.template.json")
	}, true)
}

func part(stack assembly.Stack, keep func(assembly.FileAsset) bool, images bool) (lists []*assembly.AssetManifest) {
	for _, list := range stack.Assets {
		narrow := *list
		narrow.Files = slices.DeleteFunc(slices.Clone(list.Files), func(f assembly.FileAsset) bool { return !keep(f) })
		if !images {
			narrow.Images = nil
		}
		lists = append(lists, &narrow)
	}
	return lists
}

// inspectAssets returns the assets of the stacks and whether they are published,
// each once. If the stack of an asset waits, what an earlier stack may create
// need not exist.
func (d *deployment) inspectAssets(ctx context.Context, targets []target, waits func(stack string) bool) ([]planned.Asset, error) {
	all, seen := []planned.Asset{}, map[string]bool{}
	for _, t := range targets {
		for _, list := range othersOf(t.stack) {
			statuses, err := d.publisher.Inspect(ctx, list, d.assetTarget(t))
			if err != nil && (missingFor(err) == "" || !waits(t.name)) {
				return all, fmt.Errorf("inspecting the assets of stack %s: %w", t.name, err)
			}
			for _, s := range statuses {
				if !seen[s.To] {
					all = append(all, planned.Asset{Stack: t.name, Asset: s.Asset, To: s.To, Image: s.Image, Exists: s.Exists, Role: s.Role})
				}
				seen[s.To] = true
			}
		}
	}
	return all, nil
}
