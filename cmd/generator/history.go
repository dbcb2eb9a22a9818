package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/history"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// historyFlags are the flags of the verbs that read what runs did.
type historyFlags struct {
	clusterFlags
	Bucket string `help:"Artifact bucket (default: that of the configuration)." placeholder:"NAME"`
	State  string `help:"Show the local runs of this state folder, such as .aphex, in place of those of the cluster." type:"path" placeholder:"DIR"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// source opens what the flags name. Nothing is read from the cluster yet.
func (f historyFlags) source(ctx context.Context) (history.Source, error) {
	if f.State != "" {
		artifacts, logs, err := pipelinerun.Records(f.State)
		return history.Source{Bucket: artifacts, Logs: history.InFolder(logs)}, err
	}
	cfg, err := f.load(f.Config)
	if err != nil {
		return history.Source{}, err
	}
	if err := plan.CheckPlace(f.Account, f.Region); err != nil {
		return history.Source{}, err
	}
	account, region, err := install.Locate(ctx, awsauth.Load, f.Account, f.Region)
	if err != nil {
		return history.Source{}, err
	}
	place := plan.PlaceOf(cfg, account, region, repository.PathOf(f.Config))
	artifacts, err := clients.BucketIn(ctx, region, cmp.Or(f.Bucket, place.Bucket))
	if err != nil {
		return history.Source{}, err
	}
	return history.OfCluster(artifacts, cfg, place, func() (kube.Cluster, error) {
		cluster, _, err := kubeconfig.Connect(f.Kubeconfig, f.Context)
		return cluster, err
	}), nil
}

// print prints a value as JSON, or for a person.
func (f historyFlags) print(std stdio.Streams, raw stdio.Raw, value any, text func(history.Printer) error) error {
	var err error
	if f.JSON {
		err = raw.PrintJSON(value)
	} else {
		err = text(history.Printer{To: std.Out, Width: screen.Columns(raw.Out)})
	}
	return errs.Writing("standard output", err)
}

// statusCmd shows what is in each environment.
type statusCmd struct{ historyFlags }

// Help returns the details and examples of the verb.
func (statusCmd) Help() string {
	return `Shows which commit is in each environment, since when, by whom and by which run, whether the last deployment
failed, and which runs are in progress or wait for an approval. It reads one object of the artifact bucket, and
the runs in progress from the cluster. Without access to the cluster it shows the rest. It changes nothing.

Examples:

  generator status
  generator status --json | jq -r '.environments[] | "\(.environment) \(.commit)"'
  generator status --state .aphex         # of local runs`
}

// Run reads and prints the status.
func (c statusCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	status, unknown, err := source.Status(ctx)
	if err != nil {
		return err
	}
	if unknown != nil {
		fmt.Fprintf(std.Err, "runs in progress are not shown: %v\n", unknown)
	}
	return c.print(std, raw, status, func(p history.Printer) error { return p.Status(status) })
}

// historyCmd lists runs that ended.
type historyCmd struct {
	historyFlags
	Environment string `short:"e" help:"Only runs that deployed to this environment." placeholder:"NAME"`
	Last        int    `short:"n" help:"How many runs, of the last 1,000." default:"20" placeholder:"NUMBER"`
}

// Validate refuses a number of runs that lists none.
func (c historyCmd) Validate() error {
	if c.Last < 1 {
		return errs.Invalidf("--last must be at least 1")
	}
	return nil
}

// Help returns the details and examples of the verb.
func (historyCmd) Help() string {
	return `Lists the last runs, newest first: commit, who pushed it, what it was deployed to, and the cause of a failure.

Examples:

  generator history
  generator history --environment prod --last 5
  generator history --json | jq -r '.runs[] | select(.status == "Failed") | .run'`
}

// Run reads and prints the runs.
func (c historyCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	runs, err := source.History(ctx, c.Environment, c.Last)
	if err != nil {
		return err
	}
	return c.print(std, raw, map[string]any{"runs": runs}, func(p history.Printer) error { return p.History(runs) })
}

// showCmd shows a run.
type showCmd struct {
	historyFlags
	Of string `arg:"" name:"run" help:"Run: its name, or the beginning of its name or commit."`
}

// Help returns the details and examples of the verb.
func (showCmd) Help() string {
	return `Shows a run: its commit, its steps with their durations, the cause of a failure with what to do, and the attempts
before. Of several runs it is the newest. A run in progress has the steps that ended.

Examples:

  generator show shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d
  generator show 3f2a9c1
  generator show 3f2a9c1 --json | jq -r .error`
}

// Run reads and prints the run.
func (c showCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	run, more, err := source.Find(ctx, c.Of)
	if err != nil {
		return err
	}
	for _, other := range more {
		fmt.Fprintf(std.Err, "an earlier run: %s\n", other)
	}
	document, err := source.Show(ctx, run)
	if err != nil {
		return err
	}
	return c.print(std, raw, document, func(p history.Printer) error { return p.Run(document) })
}

// logsCmd prints the logs of a run.
type logsCmd struct {
	historyFlags
	Of     string `arg:"" name:"run" help:"Run: its name, or the beginning of its name or commit."`
	Stage  string `short:"s" help:"Only the logs of this step, such as build or deploy-dev." placeholder:"NAME"`
	Follow bool   `short:"f" help:"Print also what is logged from now on, until the run ends. Of a cluster only."`
}

// Help returns the details and examples of the verb.
func (logsCmd) Help() string {
	return `Prints the logs of the steps of a run, each attempt after the other: those of the pods that are still there, or
(--state) the files of a local run. The tests of an environment are in the log of its deployment in a cluster.
With --follow, the logs of steps that run at once are printed one after the other; none is lost.

With --json, each line is an object with step, attempt (the pod or file) and text.

Examples:

  generator logs 3f2a9c1 --stage deploy-prod
  generator logs shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d --follow
  generator logs aphex-pipeline-20260101-120000 --state .aphex --stage build`
}

// Validate refuses to follow a local run, which prints its logs itself.
func (c logsCmd) Validate() error {
	if c.Follow && c.State != "" {
		return errs.Invalidf("--follow requires a run of a cluster").WithHint("generator run prints the logs of a local run")
	}
	return nil
}

// Run finds the run and prints its logs. Their names go to stderr.
func (c logsCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	run, _, err := source.Find(ctx, c.Of)
	if err != nil {
		return err
	}
	return source.CopyLogs(ctx, run, c.Stage, c.Follow, func(log history.Log) io.Writer {
		if c.JSON {
			return history.NewLines(raw.Document(), log)
		}
		fmt.Fprintf(std.Err, "==> %s (%s)\n", log.Step, log.Attempt)
		return raw.Document()
	})
}
