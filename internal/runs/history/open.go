package history

import (
	"cmp"
	"context"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Flags name a pipeline: one in a cluster, or the local runs of a state folder. Every verb
// that reads what its runs did has them.
type Flags struct {
	install.Session
	Bucket string `help:"Artifact bucket (default: that of the configuration)." placeholder:"NAME"`
	State  string `help:"Use the local runs of this state folder, such as .aphex, instead of those in the cluster." type:"path" placeholder:"DIR"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Open opens the records of the pipeline. Nothing is read from the cluster yet.
func (f Flags) Open(ctx context.Context) (Source, error) {
	if f.State != "" {
		artifacts, logs, err := pipelinerun.Records(f.State)
		return Source{Bucket: artifacts, Logs: InFolder(logs)}, err
	}
	cfg, err := f.Load()
	if err != nil {
		return Source{}, err
	}
	place, err := f.PlaceOf(ctx, cfg)
	if err != nil {
		return Source{}, err
	}
	artifacts, err := clients.BucketIn(ctx, place.Region, cmp.Or(f.Bucket, place.Bucket))
	if err != nil {
		return Source{}, err
	}
	return OfCluster(artifacts, cfg, place, func() (kube.Cluster, error) {
		cluster, _, err := f.Connect()
		return cluster, err
	}), nil
}

// run opens the records and prints what a verb reads from them.
func (f Flags) run(ctx context.Context, std stdio.Streams, raw stdio.Raw, print func(context.Context, Source, Output) error) error {
	source, err := f.Open(ctx)
	if err != nil {
		return err
	}
	return print(ctx, source, Output{Streams: std, Raw: raw, JSON: f.JSON})
}
