package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// rotateCmd replaces secrets of an installed pipeline.
type rotateCmd struct {
	Webhook rotateWebhookCmd `cmd:"" help:"Replace the secret with which GitHub signs deliveries, without losing a delivery."`
	Token   rotateTokenCmd   `cmd:"" help:"Replace the token with which the pods of runs report their results."`
}

// rotateWebhookCmd replaces the webhook secret.
type rotateWebhookCmd struct {
	install.Session
	Yes bool `short:"y" help:"Change to the new secret without asking: GitHub signs with it already."`
}

// Help returns the details and examples of the verb.
func (rotateWebhookCmd) Help() string {
	return `Makes a new secret in Secrets Manager and asks you to add a second webhook in GitHub that signs with it. Each
push is then delivered twice, and the pipeline accepts the delivery whose secret it has. After you confirm, the
webhook changes to the new secret; its old pods answer until the new ones are ready. Then delete the old webhook
in GitHub. Run the command again to continue a rotation that was interrupted.

Examples:

  generator rotate webhook
  generator rotate webhook --yes    # when the second webhook is in GitHub`
}

// Run rotates the secret and prints what to do in GitHub.
func (c rotateWebhookCmd) Run(ctx context.Context, std stdio.Streams) error {
	target, _, err := c.Open(ctx)
	if err != nil {
		return err
	}
	confirm := func(ctx context.Context, i install.Installed) error {
		console.SecondWebhook(std.Err, target.Config, i)
		return std.Ask(ctx, "Is the second webhook in GitHub?", "the webhook keeps its secret; run this again when the second webhook is in GitHub", c.Yes)
	}
	if _, err := install.RotateWebhook(ctx, target, install.RotateOptions{Confirm: confirm}, console.Lines(std.Err)); err != nil {
		return err
	}
	return console.OldWebhook(std.Out, target.Config)
}

// rotateTokenCmd replaces the token of the pods.
type rotateTokenCmd struct{ install.Session }

// Help returns the details and examples of the verb.
func (rotateTokenCmd) Help() string {
	return `Replaces the token with which the pods of runs report the results of their steps. The old one ends at once, so
no run may be in progress.

Example:

  generator rotate token`
}

// Run rotates the token.
func (c rotateTokenCmd) Run(ctx context.Context, std stdio.Streams) error {
	target, _, err := c.Open(ctx)
	if err != nil {
		return err
	}
	return install.RotateToken(ctx, target, console.Lines(std.Err))
}
