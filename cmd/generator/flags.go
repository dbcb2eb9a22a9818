package main

import (
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/registry"
)

// imagesFlag chooses the images of the pipeline's own stages.
type imagesFlag struct{ install.Images }

func (f imagesFlag) images() install.Images {
	f.Digest = registry.Digest
	return f.Images
}
