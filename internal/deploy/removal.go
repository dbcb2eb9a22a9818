package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Removal is a stack that an earlier run deployed to the environment and that no environment
// deploys any more, as the record of that deployment says.
type Removal struct {
	Path       string // construct path
	Name       string // in CloudFormation
	Region     string
	StackID    string // ARN; empty if the record does not have it
	DeployRole awsauth.Role
	After      []string // stacks that it needed, as in [SelectedStack]
	Reason     string   // why: "it is not in the app any more"
}

func (r Removal) key() string { return r.Region + "/" + r.Name }

// removed is a removed stack that exists.
type removed struct {
	Removal
	target target
	plan   planned.Stack
}

// findRemoved returns the stacks that the environment had and that still exist, those that
// need others first, and decides which of them are destroyed: never one that is protected, or
// of which the record does not say that it is the one that was deployed. One that cannot be
// read stays.
func (d *deployment) findRemoved(ctx context.Context, targets []target) []removed {
	if d.Removed == nil {
		return nil
	}
	defer d.report.begin("looking for removed stacks")()
	all := d.Removed(ctx, d.selection)
	if len(all) == 0 {
		return nil
	}
	reader, err := d.access.Reader(ctx)
	if err != nil {
		d.engine.Log.Warn("removed stacks stay, as no role may read them", "error", err)
		return nil
	}
	var found []removed
	for _, r := range latestFirst(all) {
		one, exists, err := d.lookAt(ctx, reader.In(r.Region), r)
		if err != nil {
			one = d.left(r)
			one.plan.Because += "; it cannot be read: " + d.mask(errs.OneLine(reader.Explain(err).Error()))
		}
		if exists || err != nil {
			found = append(found, one)
		}
	}
	nameRemoved(found, targets)
	leaveNeeded(found)
	return found
}

// latestFirst orders stacks so that each comes before those that it needs.
func latestFirst(all []Removal) (ordered []Removal) {
	left := slices.Clone(all)
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(r Removal) bool {
			return !slices.ContainsFunc(left, func(other Removal) bool { return other.key() != r.key() && slices.Contains(other.After, r.key()) })
		})
		at = max(at, 0) // records that contradict each other
		ordered, left = append(ordered, left[at]), slices.Delete(left, at, at+1)
	}
	return ordered
}

// lookAt reads a removed stack, and what would be deleted with it.
func (d *deployment) lookAt(ctx context.Context, reader *awsauth.Session, r Removal) (removed, bool, error) {
	api, name := cfn.NewClient(reader.Config), r.StackID
	if name == "" {
		name = r.Name
	}
	stack, err := cfn.Look(ctx, api, name)
	if err != nil || stack == nil {
		return removed{}, false, err
	}
	one := d.left(r)
	one.plan.StackID, one.plan.Status = stack.ARN, stack.Status
	if stays := d.keeps(*stack, r); stays != "" {
		one.plan.Because += "; " + stays
		return one, true, nil
	}
	templates, err := cfn.Contents(ctx, api, r.Name, stack.ARN)
	if err != nil {
		return one, true, err
	}
	err = describe(&one.plan, one.target, cfn.Prepared{Templates: templates}, d.mask)
	one.plan.Intent, one.plan.Status, one.plan.Broader = planned.WillDestroy, stack.Status, one.plan.Broader[:0]
	return one, true, err
}

// left returns a removed stack that stays.
func (d *deployment) left(r Removal) removed {
	one := removed{Removal: r, target: d.foreign(r.Name)}
	one.target.region = r.Region
	one.target.stack.DeployRole = assembly.Role{ARN: r.DeployRole.ARN, ExternalID: r.DeployRole.ExternalID}
	one.plan = d.stackOf(one.target).Stack
	one.plan.Path, one.plan.Intent, one.plan.Because = r.Path, planned.WillLeave, r.Reason
	return one
}

// keeps returns why a removed stack is not destroyed; "" if it is.
func (d *deployment) keeps(stack cfn.Standing, r Removal) string {
	_, reserved := stack.Tags[manifest.LabelPipeline]
	outside := d.bounds()
	outside.region(target{}, "it", r.Region)
	outside.role(target{}, "its deploy role", r.DeployRole.ARN, r.Region)
	switch {
	case !d.Destroys:
		return "onRemovedStack: destroy would delete it"
	case r.StackID == "":
		return "the record of its deployment does not have its ARN, so that a person deletes it"
	case stack.Protected:
		return "it is protected from deletion"
	case stack.Nested || reserved:
		return "it belongs to another stack or to a pipeline"
	case len(outside.found) > 0:
		return strings.TrimPrefix(outside.found[0], "stack : ") + ", which is outside of the environment"
	}
	return ""
}

// nameRemoved gives each removed stack a name that no other stack of the environment has.
func nameRemoved(found []removed, targets []target) {
	taken := map[string]bool{}
	for _, t := range targets {
		taken[t.name] = true
	}
	for i := range found {
		if r := &found[i]; taken[r.Name] {
			r.target.name = r.Name + " in " + r.Region
			r.plan.Stack = r.target.name
		}
		taken[found[i].target.name] = true
	}
}

// leaveNeeded leaves the stacks that one which stays has needed.
func leaveNeeded(found []removed) {
	for i := range found {
		for _, user := range found[:i] {
			if user.plan.Intent == planned.WillLeave && found[i].plan.Intent == planned.WillDestroy && slices.Contains(user.After, found[i].key()) {
				found[i].plan.Intent, found[i].plan.Changes = planned.WillLeave, []planned.Resource{}
				found[i].plan.Because += "; " + user.target.name + ", which stays, needs it"
			}
		}
	}
}

// planOf returns the plans of removed stacks.
func planOf(gone []removed) (stacks []planned.Stack) {
	for i, r := range gone {
		for _, user := range gone[:i] {
			if slices.Contains(user.After, r.key()) {
				r.plan.After = append(r.plan.After, user.target.name)
			}
		}
		stacks = append(stacks, r.plan)
	}
	return stacks
}

// destroyAll deletes the removed stacks that do not stay, one after the other, each before
// those that it needs, and stops at the first that cannot be deleted. It adds their results.
func (d *deployment) destroyAll(ctx context.Context, gone []removed, results *Results) (err error) {
	failed := ""
	for _, r := range gone {
		if r.plan.Intent != planned.WillDestroy {
			if d.Destroys {
				d.engine.Log.Warn("a stack that no environment deploys any more stays", "stack", r.target.name, "region", r.Region, "reason", r.plan.Because)
			}
			continue
		}
		one := Result{Stack: r.target.name, Name: r.Name, Region: r.Region, State: schedule.Skipped, Because: "cancelled"}
		if err == nil && ctx.Err() == nil {
			one.Result, err = d.destroyStack(ctx, r)
			d.report.ended(r.target.name, err)
			if one.State, one.Because, one.Err = schedule.Done, "", err; err != nil {
				one.State = schedule.Failed
			}
			one.details = detailsOf(r.target, one.Result)
		} else if err != nil {
			one.Because = failed
		}
		if one.State == schedule.Failed {
			failed = one.Stack
		}
		*results = append(*results, one)
	}
	return cmp.Or(err, ctx.Err())
}

func (d *deployment) destroyStack(ctx context.Context, r removed) (cfn.Result, error) {
	session, err := d.as(ctx, r.target.stack.DeployRole, r.Region)
	if err != nil {
		return cfn.Result{}, fmt.Errorf("destroying stack %s: %w", r.target.name, err)
	}
	result, err := cfn.Destroy(ctx, cfn.NewClient(session.Config), r.Name, r.plan.StackID, d.options(r.target))
	d.lookBehind(ctx, r.Region, err)
	return result, session.Explain(err)
}
