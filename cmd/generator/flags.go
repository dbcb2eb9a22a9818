package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/registry"
)

// configFlag is the flag that every verb shares.
type configFlag struct {
	Config string `short:"c" help:"Configuration file." default:"aphex-config.yaml" placeholder:"FILE"`
}

// completionFlags set keys that a configuration lacks, such as one written for the
// predecessor of this product.
type completionFlags struct {
	GithubOwner  string `help:"Owner of the repository, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	GithubRepo   string `help:"Name of the repository, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	GithubBranch string `help:"Branch whose pushes are deployed, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	ClusterName  string `help:"Name of the cluster, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
}

// load reads a configuration and completes it.
func (f completionFlags) load(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err == nil {
		err = cfg.FillIn(config.Fallback{GithubOwner: f.GithubOwner, GithubRepo: f.GithubRepo, GithubBranch: f.GithubBranch, ClusterName: f.ClusterName})
	}
	if err != nil {
		return nil, errs.Invalidf("%w", err)
	}
	return cfg, nil
}

// placeFlags are the account and region of the pipeline itself.
type placeFlags struct {
	Account string `help:"Account of the pipeline itself, for the default name of its bucket (default: that of the first environment)." placeholder:"ID"`
	Region  string `help:"Region of the pipeline itself (default: that of the first environment)."`
}

// imagesFlag chooses the images of the pipeline's own stages.
type imagesFlag struct {
	Images string `help:"Where the images of the pipeline's own stages are (default: those that it has; for a new pipeline, those beside the configured validatorImage, else those of this version). Digests may follow, in quotes: builder@sha256:HEX deployer@sha256:HEX." placeholder:"REGISTRY[:TAG]"`
}

// Validate refuses what names no images, before a cluster is asked for anything.
func (f imagesFlag) Validate() error {
	_, err := plan.ParseImages(f.Images)
	return err
}

func (f imagesFlag) images() install.Images {
	return install.Images{From: f.Images, Digest: registry.Digest}
}

// clusterFlags are the flags of every verb that works on a cluster.
type clusterFlags struct {
	configFlag
	completionFlags
	Account    string `help:"Account of the pipeline itself (default: that of your AWS credentials)." placeholder:"ID"`
	Region     string `help:"Region of the pipeline itself (default: that of your AWS credentials)."`
	Kubeconfig string `help:"Kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)." type:"path" placeholder:"FILE"`
	Context    string `help:"Context of the kubeconfig (default: the current one)." placeholder:"NAME"`
}

// open loads the configuration, connects to the cluster and returns its address.
func (f clusterFlags) open(ctx context.Context) (t install.Target, address string, err error) {
	cfg, err := f.load(f.Config)
	if err != nil {
		return t, "", err
	}
	return install.Open(ctx, cfg, install.Session{
		File: f.Config, Account: f.Account, Region: f.Region, Kubeconfig: f.Kubeconfig, Context: f.Context, AWS: awsauth.Load,
	})
}
