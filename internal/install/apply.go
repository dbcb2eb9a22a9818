package install

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Diff compares the objects of a pipeline with those in the cluster, as Apply
// would change them. It changes nothing.
func Diff(ctx context.Context, t Target) ([]kube.Difference, error) {
	installed, err := t.useInstalledNames(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := t.useImages(ctx, installed); err != nil {
		return nil, err
	}
	objects, _, err := t.objects(ctx)
	if err != nil {
		return nil, err
	}
	return t.Cluster.Diff(ctx, objects)
}

// Apply updates the objects in the cluster, removes those that the pipeline had
// under other names, and waits until a push can start a run. Without the
// webhook secret, which Bootstrap installs, it does not wait. The changes are
// those that were made, also with an error.
func Apply(ctx context.Context, t Target, r Reporter) ([]manifest.Change, error) {
	installed, err := t.useInstalledNames(ctx)
	if err != nil {
		return nil, err
	}
	if check := t.checkWebhook(); check.Failed() {
		return nil, errs.Invalidf("%s", check.Problem).WithHint("%s", check.Fix)
	}
	tags, err := t.useImages(ctx, installed)
	if err != nil {
		return nil, err
	}
	if tags != nil {
		r.Checked(t.checkImages(tags))
	}
	objects, missing, err := t.objects(ctx)
	if err != nil {
		return nil, err
	}
	noteMissing(missing, r)
	changes, err := t.apply(ctx, objects, r)
	if err != nil {
		return changes, err
	}
	secret := t.webhookSecret()
	found, err := t.Cluster.Exists(ctx, secret)
	if err != nil {
		return changes, err
	}
	if !found {
		r.Note(fmt.Sprintf("the webhook starts once namespace %[2]s has a %[1]s; generator bootstrap installs it", secret, secret.Namespace))
		return changes, nil
	}
	return changes, t.awaitWebhook(ctx, objects, r)
}
