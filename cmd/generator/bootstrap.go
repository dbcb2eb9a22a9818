package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// bootstrapCmd installs a pipeline, or updates an installed one.
type bootstrapCmd struct {
	install.Session
	imagesFlag
	Force  bool   `help:"Take over fields that another field manager owns."`
	Checks bool   `help:"Run the checks only; install nothing."`
	Shared bool   `name:"allow-shared-namespaces" help:"Accept namespaces in which another pipeline or a controller of Argo runs: Kubernetes does not separate them."`
	Build  bool   `name:"image-builder" help:"Also install a BuildKit for this pipeline, which builds its image assets, in a namespace of its own whose Pod Security level is privileged."`
	Image  string `name:"image-builder-image" help:"Image of that BuildKit: a rootless one (default: that of the installed one, else that of this version)." placeholder:"IMAGE"`
	Yes    bool   `short:"y" help:"Install without asking for confirmation."`
}

// Help returns the details and examples of the verb.
func (bootstrapCmd) Help() string {
	return `Checks the prerequisites (exports of the cluster, access to Kubernetes, versions of Argo, namespaces of the
pipeline's own, encryption of the webhook, CDK bootstrap of every account, GitHub token), prints the planned
changes and the runs in progress that may fail because of them, asks for confirmation, and installs the
pipeline's own stack, the webhook secret and the objects. It waits until a push would start a run, and prints
the webhook settings for GitHub. The command can be run again; existing objects stay as they are, and a changed
policy of the bucket is restored. An image builder that is installed is kept, and its certificates are renewed
in the year before they end.

Requires AWS credentials of the pipeline's account that can create roles, and Kubernetes credentials that
can create roles in both namespaces.

Examples:

  generator bootstrap --checks
  generator bootstrap
  generator bootstrap --context company-pipelines --yes
  generator bootstrap --image-builder`
}

// Run checks, asks for confirmation, installs, and prints the webhook settings.
func (c bootstrapCmd) Run(ctx context.Context, std stdio.Streams) error {
	target, address, err := c.Open(ctx)
	if err != nil {
		return err
	}
	place := target.Place
	fmt.Fprintf(std.Err, "Checking pipeline %s (account %s, %s; cluster %s)\n", plan.NamesOf(target.Config, place).Pipeline, place.Account, place.Region, address)
	target.Cluster.Force = c.Force
	target.Images = c.images()
	target.SharedNamespaces = c.Shared
	target.ImageBuilder = install.ImageBuilder{Install: c.Build, Image: c.Image}
	report := console.Sections(std.Err)
	if c.Checks {
		return install.Check(ctx, target, report)
	}
	confirm := func(ctx context.Context, p install.Plan) error {
		console.Plan(std.Err, p)
		return std.Ask(ctx, "\nContinue?", stdio.Unchanged, c.Yes)
	}
	installed, err := install.Bootstrap(ctx, target, install.BootstrapOptions{Confirm: confirm}, report)
	if err != nil {
		return err
	}
	console.Settings(std.Out, target.Config, installed)
	return nil
}
