package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// bootstrapCmd installs a pipeline for the first time, and any time after that.
type bootstrapCmd struct {
	clusterFlags
	Force  bool `help:"Take fields over that another manager set."`
	Checks bool `help:"Check only, and bring nothing."`
	Yes    bool `short:"y" help:"Do not ask before anything is brought."`
}

// Help teaches the verb.
func (bootstrapCmd) Help() string {
	return `Checks what a pipeline needs (the cluster's exports, access to Kubernetes, the versions of Argo, the CDK
bootstrap of every account, GitHub's token), says what it is going to bring, and then brings it: the AWS
side as a CloudFormation stack, the webhook's secret, the objects. It waits until a push would be received,
and says what to enter in GitHub. Every step can be run again; what is there already is left as it is.

Your AWS credentials are of the account that the pipeline lives in, and may make roles there; your
Kubernetes credentials may make roles in both namespaces.

Examples:

  generator bootstrap --checks
  generator bootstrap
  generator bootstrap --context company-pipelines --yes`
}

// Run checks, asks, installs, and prints what is left to be done.
func (c bootstrapCmd) Run(ctx context.Context, std streams) error {
	target, address, err := c.open(ctx)
	if err != nil {
		return err
	}
	place := target.Place
	fmt.Fprintf(std.err, "Checking pipeline %s (account %s, %s; cluster %s)\n", plan.NamesOf(target.Config, place).Pipeline, place.Account, place.Region, address)
	target.Cluster.Force = c.Force
	report := console.Sections(std.err)
	if c.Checks {
		return install.Check(ctx, target, report)
	}
	confirm := func(ctx context.Context, p install.Plan) error {
		console.Plan(std.err, p)
		return ask(ctx, std, "\nGo on?", c.Yes)
	}
	installed, err := install.Bootstrap(ctx, target, install.BootstrapOptions{Confirm: confirm}, report)
	if err != nil {
		return err
	}
	console.Settings(std.out, target.Config, installed)
	return nil
}
