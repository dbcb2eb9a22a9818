package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// applyCmd updates the objects in the cluster.
type applyCmd struct {
	install.Session
	imagesFlag
	Force bool `help:"Take over fields that another field manager owns."`
	Yes   bool `short:"y" help:"Apply without asking for confirmation."`
}

// Help returns the details and examples of the verb.
func (applyCmd) Help() string {
	return `Applies the objects on the server, with the field manager aphex-pipeline. A dry run of all objects comes
first: if the cluster rejects one, nothing changes. Argo validates a new version of the workflow template
before the Sensor uses it. Objects that the pipeline had under other names are removed. The command returns
as soon as a push would start a run: the webhook answers, and the Sensor has subscribed to the event bus.

Where identities of the pipeline are new or change, such as for an account that no environment had before, the
command shows the roles that the pipeline can then assume and asks for confirmation, and updates the identities'
roles in the pipeline's own stack first. That requires AWS credentials that can create roles. "generator
bootstrap" installs that stack and the webhook secret. The command also asks if permissions in the cluster
change while runs are in progress, which may then fail.

Examples:

  generator diff
  generator apply
  generator apply --context company-pipelines --force`
}

// Run applies.
func (c applyCmd) Run(ctx context.Context, std stdio.Streams) error {
	target, address, err := c.Open(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "pipeline %s on %s\n", plan.NamesOf(target.Config, target.Place).Pipeline, address)
	target.Cluster.Force = c.Force
	target.Images = c.images()
	_, err = install.Apply(ctx, target, install.ApplyOptions{Confirm: func(ctx context.Context, p install.Plan) error {
		console.Identities(std.Err, p)
		return std.Ask(ctx, "\nContinue?", stdio.Unchanged, c.Yes)
	}}, console.Lines(std.Err))
	return err
}
