package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// maxPreflights is the number of stacks that are checked at once.
const maxPreflights = 16

// preflight checks access to every account and its bootstrap before anything is
// created or published. It sets the destinations of the legacy synthesizer's
// assets.
func (d *deployment) preflight(ctx context.Context, targets []target) error {
	defer d.report.begin("checking accounts and bootstraps")()
	at, nodes := map[string]int{}, []schedule.Node{}
	for i, t := range targets {
		at[t.name] = i
		nodes = append(nodes, schedule.Node{Name: t.name})
	}
	results := schedule.Run(ctx, maxPreflights, nodes, func(ctx context.Context, name string) (struct{}, error) {
		return struct{}{}, d.preflightStack(ctx, &targets[at[name]])
	})
	var errs []error
	for _, r := range results {
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	if len(errs) == 0 {
		return ctx.Err()
	}
	return combine(errs, nil)
}

func (d *deployment) preflightStack(ctx context.Context, t *target) error {
	if err := d.checkStackAccess(ctx, *t); err != nil {
		return err
	}
	if err := d.adoptLegacy(ctx, t); err != nil {
		return err
	}
	return d.ready(ctx, *t)
}

// checkAccess checks access to the accounts of all stacks and their bootstraps. The
// error reports each role that cannot be used once.
func (d *deployment) checkAccess(ctx context.Context, targets []target) error {
	var wrong []error
	seen := map[string]bool{}
	for _, t := range targets {
		err := d.checkStackAccess(ctx, t)
		if err == nil && len(t.stack.Legacy) > 0 {
			_, _, err = d.bootstrapBucket(ctx, t)
		}
		if role := d.roleIn(t.stack.DeployRole, t.region).ARN + " " + t.region; err != nil && !seen[role] {
			seen[role] = true
			wrong = append(wrong, err)
		}
	}
	return cmp.Or(ctx.Err(), combine(wrong, nil))
}

// checkStackAccess checks the role that deploys a stack, and its bootstraps.
func (d *deployment) checkStackAccess(ctx context.Context, t target) error {
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return fmt.Errorf("deploying stack %s: %w", t.name, err)
	}
	checked := false
	for _, needs := range bootstrapsOf(t.stack) {
		if err := d.require(ctx, t, needs); err != nil {
			return err
		}
		checked = checked || needs.Parameter != "" && needs.MinVersion > 0
	}
	if !checked { // no call to the region yet
		if _, err := cfn.Find(ctx, cfn.NewClient(session.Config), t.stack.Name); err != nil {
			return session.Explain(err)
		}
	}
	return nil
}

// ready checks that a stack's images can be built. A plan builds none.
func (d *deployment) ready(ctx context.Context, t target) error {
	if d.isPlan {
		return nil
	}
	for _, list := range t.stack.Assets {
		if err := d.publisher.Ready(ctx, list, d.assetTarget(t)); err != nil {
			return fmt.Errorf("stack %s: %w", t.name, err)
		}
	}
	return nil
}

// domainOf returns the DNS suffix of a partition.
func domainOf(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func bootstrapsOf(stack assembly.Stack) []assembly.Bootstrap {
	all := []assembly.Bootstrap{stack.Bootstrap}
	for _, list := range stack.Assets {
		if len(list.Files)+len(list.Images) > 0 {
			all = append(all, list.Bootstrap)
		}
	}
	return all
}

// adoptLegacy adds the legacy synthesizer's assets, which go to the bucket of the
// bootstrap stack, and sets the parameters that pass their locations to the stack.
func (d *deployment) adoptLegacy(ctx context.Context, t *target) error {
	if len(t.stack.Legacy) == 0 {
		return nil
	}
	bucket, _, err := d.bootstrapBucket(ctx, *t)
	if err != nil {
		return err
	}
	registry := fmt.Sprintf("%s.dkr.ecr.%s.%s", d.access.Account, t.region, domainOf(d.access.Partition))
	list, values := t.stack.LegacyAssets(t.root, bucket, registry)
	t.stack.Assets = append(t.stack.Assets[:len(t.stack.Assets):len(t.stack.Assets)], list)
	parameters := maps.Clone(t.stack.Parameters)
	if parameters == nil {
		parameters = map[string]string{}
	}
	maps.Copy(parameters, values)
	t.stack.Parameters = parameters
	return nil
}
