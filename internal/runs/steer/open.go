package steer

import (
	"cmp"
	"context"
	"fmt"
	osuser "os/user"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
)

// Flags name a pipeline and, for local runs, its repository. Every verb of this package has them.
type Flags struct {
	history.Flags
	Source string `help:"With --state: folder of the git repository." default:"." type:"path" placeholder:"DIR"`
}

// pipeline is where runs are started: in a cluster, or on this machine.
type pipeline struct {
	Source
	target *install.Target // nil on this machine
	by     string
}

// open opens the pipeline for whoever starts runs of it.
func (f Flags) open(ctx context.Context) (p pipeline, err error) {
	if f.State != "" {
		artifacts, _, err := pipelinerun.Records(f.State)
		if err != nil {
			return p, err
		}
		cfg, by, err := f.local(ctx)
		return pipeline{Source: Source{Bucket: artifacts, Environments: cfg.EnvironmentNames(), Prefix: cfg.WorkflowNamePrefix}, by: by}, err
	}
	target, _, err := f.Session.Open(ctx)
	if err != nil {
		return p, err
	}
	if err := target.Adopt(ctx); err != nil {
		return p, err
	}
	if p.by, err = target.Cluster.User(ctx); err != nil {
		return p, err
	}
	artifacts, err := clients.BucketIn(ctx, target.Place.Region, cmp.Or(f.Bucket, target.Place.Bucket))
	p.target, p.Source = &target, Source{
		Bucket: artifacts, Environments: target.Config.EnvironmentNames(), Prefix: target.Config.WorkflowNamePrefix,
		Running: func(ctx context.Context) ([]kube.Progress, error) {
			return target.Cluster.InProgress(ctx, plan.NamesOf(target.Config, target.Place).Pipeline, target.Config.ArgoNamespace)
		},
	}
	return p, err
}

// local returns the configuration of local runs, that of the last commit, and this user.
func (f Flags) local(ctx context.Context) (*config.Config, string, error) {
	src, err := source.Open(ctx, f.Source)
	if err != nil {
		return &config.Config{}, "", err
	}
	cfg, _, err := src.Config(f.Config)
	if err != nil {
		return &config.Config{}, "", err
	}
	me, err := osuser.Current()
	if err != nil {
		return cfg, "", fmt.Errorf("reading the name of this user: %w", err)
	}
	return cfg, me.Username, nil
}

// desk opens the bucket as whoever may write there what people say of gates, until closed is called.
func (f Flags) desk(ctx context.Context) (desk Desk, closed func(), err error) {
	if f.State != "" {
		cfg, by, err := f.local(ctx)
		if err != nil {
			return desk, nil, err
		}
		artifacts, closed, err := pipelinerun.Writable(ctx, f.State)
		return Desk{Bucket: artifacts, Environments: cfg.EnvironmentNames(), By: by}, closed, err
	}
	records, err := f.Open(ctx)
	if err != nil {
		return desk, nil, err
	}
	base, err := awsauth.Load(ctx, f.Region)
	if err != nil {
		return desk, nil, err
	}
	who, err := awsauth.Identify(ctx, base)
	if err != nil {
		return desk, nil, err
	}
	return Desk{Bucket: records.Bucket, Environments: records.Environments, By: who.ARN}, func() {}, nil
}

// print prints what was stored: as JSON, or a line for a person.
func (f Flags) print(std stdio.Streams, raw stdio.Raw, value any, line string) (err error) {
	if f.JSON {
		err = raw.PrintJSON(value)
	} else {
		_, err = fmt.Fprintln(std.Out, line)
	}
	return errs.Writing("standard output", err)
}
