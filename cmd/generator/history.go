package main

import (
	"cmp"
	"context"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
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

// print opens the source and prints what a verb reads from it.
func (f historyFlags) print(ctx context.Context, verb func(context.Context, history.Source, history.Output) error, std stdio.Streams, raw stdio.Raw) error {
	source, err := f.source(ctx)
	if err != nil {
		return err
	}
	return verb(ctx, source, history.Output{Streams: std, Raw: raw, JSON: f.JSON})
}

// statusCmd shows what is in each environment.
type statusCmd struct {
	historyFlags
	history.StatusVerb
}

// Run reads and prints the status.
func (c statusCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.print(ctx, c.Print, std, raw)
}

// historyCmd lists runs that ended.
type historyCmd struct {
	historyFlags
	history.ListVerb
}

// Run reads and prints the runs.
func (c historyCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.print(ctx, c.Print, std, raw)
}

// showCmd shows a run.
type showCmd struct {
	historyFlags
	history.ShowVerb
}

// Run reads and prints the run.
func (c showCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.print(ctx, c.Print, std, raw)
}

// reportCmd writes the page of a run, or of the pipeline.
type reportCmd struct {
	historyFlags
	history.ReportVerb
}

// Run reads what the page shows, and writes it.
func (c reportCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.print(ctx, c.Print, std, raw)
}

// logsCmd prints the logs of a run.
type logsCmd struct {
	historyFlags
	history.LogsVerb
}

// Validate refuses to follow a local run, which prints its logs itself.
func (c logsCmd) Validate() error {
	if c.Follow && c.State != "" {
		return errs.Invalidf("--follow requires a run of a cluster").WithHint("generator run prints the logs of a local run")
	}
	return nil
}

// Run finds the run and prints its logs.
func (c logsCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return c.print(ctx, c.Print, std, raw)
}
