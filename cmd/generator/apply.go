package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// applyCmd updates the objects in the cluster.
type applyCmd struct {
	clusterFlags
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
	target, address, err := c.open(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "pipeline %s on %s\n", plan.NamesOf(target.Config, target.Place).Pipeline, address)
	target.Cluster.Force = c.Force
	_, err = install.Apply(ctx, target, console.Lines(std.err))
	return err
}
