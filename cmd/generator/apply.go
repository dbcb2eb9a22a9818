package main

import (
	"context"
	"fmt"
)

// applyCmd brings the objects to the cluster.
type applyCmd struct {
	liveFlags
	Force bool `help:"Take fields over that another manager set."`
}

// Help teaches the verb.
func (applyCmd) Help() string {
	return `Applies on the server, with the field manager aphex-pipeline. All objects are tried first; one that
the cluster refuses leaves everything as it was. A new version of the workflow template is validated by
Argo itself before the Sensor turns to it. What the pipeline had under other names is removed. It ends when
a push would be received: the webhook answers, and the Sensor has subscribed to the event bus.

The AWS side and the webhook's secret are brought by "generator bootstrap".

Examples:

  generator diff
  generator apply
  generator apply --context company-pipelines --force`
}

// Run applies.
func (c applyCmd) Run(ctx context.Context, std streams) error {
	l, err := c.open(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "pipeline %s on %s\n", l.names.Pipeline, l.address)
	objects, err := l.objects(ctx)
	if err != nil {
		return err
	}
	l.cluster.Force = c.Force
	changes, err := l.cluster.Apply(ctx, objects)
	tellChanges(std, changes)
	if err != nil {
		return err
	}
	there, err := l.cluster.Exists(ctx, l.webhookSecret())
	switch {
	case err != nil:
		return err
	case there:
		return l.awaitReceiver(ctx, std, objects)
	default:
		fmt.Fprintf(std.err, "note: the webhook starts when there is a secret/%s in namespace %s; generator bootstrap brings it\n",
			l.names.WebhookSecret, l.cfg.ArgoEventsNamespace)
		return nil
	}
}
