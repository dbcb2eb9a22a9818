package install

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// RotateOptions configure RotateWebhook.
type RotateOptions struct {
	// Confirm is called when the new secret exists and the webhook still checks signatures
	// with the old one: GitHub must sign with both before it returns. Its error ends the
	// verb, which continues from there when it is called again. It may be nil.
	Confirm func(context.Context, Installed) error
}

// RotateWebhook replaces the webhook secret, in an order in which each delivery has a
// signature that the webhook accepts: the new secret is made, a second webhook in GitHub
// signs with it, and then the cluster changes to it. The result is what GitHub needs.
func RotateWebhook(ctx context.Context, t Target, o RotateOptions, r Reporter) (Installed, error) {
	if _, err := t.useInstalledNames(ctx); err != nil {
		return Installed{}, err
	}
	base, err := t.AWS(ctx, t.Place.Region)
	if err != nil {
		return Installed{}, err
	}
	if err := t.renewSecret(ctx, base, r); err != nil {
		return Installed{}, err
	}
	settings := Installed{Secret: t.names().Secret, Region: t.Place.Region}
	if o.Confirm != nil {
		if err := o.Confirm(ctx, settings); err != nil {
			return settings, err
		}
	}
	if err := t.copySecret(ctx, base, r); err != nil {
		return settings, err
	}
	r.Started(Webhook, "")
	if err := t.Cluster.LoadWebhookSecret(ctx, t.webhookSecret(), t.Config.EventSourceName); err != nil {
		return settings, err
	}
	r.Ready()
	return settings, nil
}

// renewSecret makes a new secret in Secrets Manager, unless the webhook does not use the
// present one yet: then an earlier rotation has not ended.
func (t *Target) renewSecret(ctx context.Context, base aws.Config, r Reporter) error {
	name := t.names().Secret
	used, loaded, err := t.Cluster.ReadWebhookSecret(ctx, t.webhookSecret())
	if err != nil {
		return err
	}
	if used == "" {
		return errs.Invalidf("%s does not exist in namespace %q: the pipeline is not installed", t.webhookSecret().Object, t.webhookSecret().Object.Namespace).WithHint("generator bootstrap installs it")
	}
	current, err := readSecret(ctx, base, name)
	if err != nil {
		return fmt.Errorf("reading the webhook secret %q: %w", name, err)
	}
	if used != current || !loaded {
		r.Note("the webhook does not use the secret " + name + " yet: continuing the rotation that began before")
		return nil
	}
	client := secretsmanager.NewFromConfig(base)
	made, err := client.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(64), ExcludePunctuation: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("making a webhook secret: %w", err)
	}
	if _, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: made.RandomPassword}); err != nil {
		return fmt.Errorf("storing the webhook secret %q: %w", name, err)
	}
	r.Changed(Secret, manifest.Change{Object: "secret " + name + " in Secrets Manager", Action: manifest.Changed})
	return nil
}

// RotateToken replaces the token with which the pods of runs report their results. No run
// may be in progress.
func RotateToken(ctx context.Context, t Target, r Reporter) error {
	installed, err := t.useInstalledNames(ctx)
	if err != nil {
		return err
	}
	t.Place.Images = installed
	objects, _, err := t.objects(ctx)
	if err != nil {
		return err
	}
	names := t.names()
	for _, object := range objects {
		if object.Kind == "Secret" && object.Name == plan.TokenOf(names.Executor) {
			if err := t.Cluster.RenewToken(ctx, object, names.Pipeline); err != nil {
				return err
			}
			r.Changed(Secret, manifest.Change{Object: object.String(), Action: manifest.Changed})
		}
	}
	return nil
}
