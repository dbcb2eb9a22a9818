package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// notifyCmd sends a test message to the targets of notifications.
type notifyCmd struct {
	install.Configuration
	Region string `help:"Region of the pipeline and of its secrets (default: that of the AWS SDK)."`
	Test   bool   `help:"Send a test message to each target of notifications." required:""`
	JSON   bool   `name:"json" help:"Print the result of each target as JSON."`
}

// Help returns the details and examples of the verb.
func (notifyCmd) Help() string {
	return `Sends a test message to each target of notifications in the configuration, whatever events and environments it
lists, with your credentials: they must be permitted to read the secrets and to publish to the topics. A run uses the
permissions of the pipeline instead, which generator bootstrap grants.

Exit codes: 0 all targets were notified; 1 one was not; 2 there is no target.

Examples:

  generator notify --test
  generator notify --test --json | jq -r '.targets[] | select(.sent | not) | .error'`
}

// Run sends and prints. A target that was not notified is an error.
func (c notifyCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	if len(cfg.Notifications) == 0 {
		return errs.Invalidf("%s has no notifications", c.Config).WithHint("for example notifications: [{slack: {secretName: shop/slack}}]")
	}
	if problem, hint := config.RegionProblem(c.Region); c.Region != "" && problem != "" {
		return errs.Invalidf("--region is %s", problem).WithHint("%s", hint)
	}
	now := time.Now().UTC()
	test := event.New(event.Test, "generator", now, event.Run{Pipeline: cfg.WorkflowTemplateName, Run: "test", Outcome: event.Succeeded, Ended: now}, now.String())
	at := clients.Repository{URL: plan.RepositoryURL(cfg), Host: cfg.GithubHost, Secret: cfg.RepositorySecret(), App: cfg.RepositoryApp()}
	targets := notify.Subscriptions(cfg.Notifications, clients.Notifications(c.Region, func(string) {}, at))
	return c.print(notify.Deliver(ctx, targets, test, nil), std, raw)
}

func (c notifyCmd) print(deliveries []notify.Delivery, std stdio.Streams, raw stdio.Raw) error {
	failed := 0
	for _, d := range deliveries {
		if !d.Sent {
			failed++
		}
		switch {
		case c.JSON:
		case d.Sent:
			fmt.Fprintf(std.Out, "ok       %s\n", d.Target)
		default:
			fmt.Fprintf(std.Out, "failed   %s: %s\n", d.Target, d.Error)
			if d.Hint != "" {
				fmt.Fprintf(std.Out, "         %s\n", d.Hint)
			}
		}
	}
	if c.JSON {
		if err := raw.PrintJSON(map[string]any{"targets": deliveries}); err != nil {
			return errs.Writing("standard output", err)
		}
	}
	if failed > 0 {
		return errs.Failedf("%d of %d targets were not notified", failed, len(deliveries))
	}
	return nil
}
