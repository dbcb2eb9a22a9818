package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Diff compares the objects of a pipeline with those in the cluster, as Apply would change
// them, and the policy of the bucket of an installed pipeline, as Bootstrap would restore
// it. It changes nothing. A policy that cannot be read is a note.
func Diff(ctx context.Context, t Target, r Reporter) ([]kube.Difference, error) {
	installed, err := t.useInstalledNames(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := t.useImages(ctx, installed); err != nil {
		return nil, err
	}
	if err := t.findBuilder(ctx); err != nil {
		return nil, err
	}
	objects, _, err := t.objects(ctx)
	if err != nil {
		return nil, err
	}
	differences, err := t.Cluster.Diff(ctx, objects)
	if err != nil {
		return nil, err
	}
	bootstrapped, err := t.Cluster.Exists(ctx, t.webhookSecret().Object)
	if err != nil || !bootstrapped {
		return differences, err
	}
	return append(differences, t.policyDifference(ctx, r)...), nil
}

// ApplyOptions configure Apply.
type ApplyOptions struct {
	// Confirm is called before identities of the pipeline are installed or changed, before
	// runs in progress lose permissions, and before another host gets the token of the
	// repository; its error ends the verb. It may be nil.
	Confirm func(context.Context, Plan) error
}

// Apply updates the objects in the cluster, removes those that the pipeline had
// under other names, and waits until a push can start a run. Without the
// webhook secret, which Bootstrap installs, it does not wait. If identities of an
// installed pipeline change, it updates the stack with their roles first, and restores the
// policy of the bucket. The changes are those that were made, also with an error.
func Apply(ctx context.Context, t Target, o ApplyOptions, r Reporter) ([]manifest.Change, error) {
	names, err := t.useInstalledNames(ctx)
	if err != nil {
		return nil, err
	}
	if check := t.checkWebhook(); check.Failed() {
		return nil, errs.Invalidf("%s", check.Problem).WithHint("%s", check.Fix)
	}
	unknown, err := t.useImages(ctx, names)
	if err != nil {
		return nil, err
	}
	if check := t.checkImages(unknown); check.Problem != "" {
		r.Checked(check)
	}
	if err := t.findBuilder(ctx); err != nil {
		return nil, err
	}
	objects, missing, err := t.objects(ctx)
	if err != nil {
		return nil, err
	}
	secret := t.webhookSecret().Object
	installed, err := t.Cluster.Exists(ctx, secret)
	if err != nil {
		return nil, err
	}
	if err := t.approve(ctx, objects, installed, o, r); err != nil {
		return nil, err
	}
	noteMissing(missing, r)
	changes, err := t.apply(ctx, objects, r)
	if err != nil {
		return changes, err
	}
	if !installed {
		r.Note(fmt.Sprintf("the webhook starts once namespace %[2]s has a %[1]s; generator bootstrap installs it", secret, secret.Namespace))
		return changes, nil
	}
	return changes, t.awaitWebhook(ctx, objects, r)
}

// approve asks about identities that are new or differ, and about another host that gets the
// token of the repository, and installs their roles if the
// pipeline is installed: it can assume only the roles that a person has approved.
func (t *Target) approve(ctx context.Context, objects []manifest.Object, installed bool, o ApplyOptions, r Reporter) error {
	differences, err := t.Cluster.Diff(ctx, objects)
	if err != nil {
		return err
	}
	interrupted, err := t.interrupted(ctx, aws.Config{}, nil, differences)
	if err != nil {
		return err
	}
	differences = slices.DeleteFunc(differences, func(d kube.Difference) bool { return !strings.HasPrefix(d.Object, "serviceaccount/") })
	if len(differences) == 0 && interrupted.Runs == nil && !t.movesToken() {
		return nil
	}
	if err := t.confirm(ctx, o.Confirm, Plan{Differences: differences, Interrupted: interrupted}); err != nil || !installed || len(differences) == 0 {
		return err
	}
	template, err := infra.Template(t.Config, t.Place)
	if err != nil {
		return err
	}
	base, identity := t.checkIdentity(ctx)
	if identity.Failed() {
		return errs.Invalidf("identities of the pipeline change, and with them their roles in AWS: %s: %s", identity.What, identity.Problem).WithHint("%s", identity.Fix)
	}
	name := t.names().Stack
	stack, err := cfn.Find(ctx, cfn.NewClient(base), name)
	switch {
	case err != nil:
		return err
	case stack == nil:
		r.Note("stack " + name + " does not exist: add the roles of the new identities where the roles of the pipeline are managed")
		return nil
	}
	if err := t.deployStack(ctx, base, cfn.Goal{Name: name, Template: template, Tags: infra.Tags(t.names())}, r); err != nil {
		return err
	}
	return t.restorePolicy(ctx, base, r)
}
