package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/install"
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
	cfg, place := target.Config, target.Place
	fmt.Fprintf(std.err, "Checking pipeline %s (account %s, %s; cluster %s)\n", plan.NamesOf(cfg, place).Pipeline, place.Account, place.Region, address)
	target.Cluster.Force = c.Force
	report := sections{lines{std.err}}
	if c.Checks {
		return install.Check(ctx, target, report)
	}
	confirm := func(ctx context.Context, p install.Plan) error {
		report.planned(p)
		return ask(ctx, std, "\nGo on?", c.Yes)
	}
	installed, err := install.Bootstrap(ctx, target, install.BootstrapOptions{Confirm: confirm}, report)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "\nThe pipeline is there. In GitHub, once:\n\n"+
		"  1. open https://github.com/%s/%s/settings/hooks/new\n"+
		"  2. enter\n"+
		"       Payload URL   %s\n"+
		"       Content type  application/json\n"+
		"       Secret        the value that this prints:\n"+
		"                     aws secretsmanager get-secret-value --region %s --secret-id %s --query SecretString --output text\n"+
		"       Events        Pushes and Pull requests\n\n"+
		"A push to %s then starts the first run.\n",
		cfg.GithubOwner, cfg.GithubRepo, installed.PayloadURL, installed.Region, installed.Secret, cfg.GithubBranch)
	return nil
}
