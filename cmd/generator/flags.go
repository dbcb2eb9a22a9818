package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/registry"
)

// configFlag is the flag that every verb shares.
type configFlag struct {
	Config string `short:"c" help:"Configuration file." default:"aphex-config.yaml" placeholder:"FILE"`
}

// completionFlags set keys that a configuration lacks, such as one written for the
// predecessor of this product.
type completionFlags struct{ config.Fallback }

// load reads a configuration and completes it.
func (f completionFlags) load(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err == nil {
		err = cfg.FillIn(f.Fallback)
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
type imagesFlag struct{ install.Images }

func (f imagesFlag) images() install.Images {
	f.Digest = registry.Digest
	return f.Images
}

// clusterFlags are the flags of every verb that works on a cluster.
type clusterFlags struct {
	configFlag
	completionFlags
	install.Session
}

// open loads the configuration, connects to the cluster and returns its address.
func (f clusterFlags) open(ctx context.Context) (t install.Target, address string, err error) {
	cfg, err := f.load(f.Config)
	if err != nil {
		return t, "", err
	}
	f.File, f.AWS = f.Config, awsauth.Load
	return install.Open(ctx, cfg, f.Session)
}
