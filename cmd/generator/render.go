package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/stages"
)

// renderCmd prints the pipeline's objects.
type renderCmd struct {
	install.Configuration
	plan.PlaceFlags
	Images string `help:"Images of the pipeline's own stages, with their digests if they are known (default: those of the configuration)." placeholder:"REGISTRY[:TAG]"`
	Output string `short:"o" help:"Output format (yaml or json), or a folder to write one file per object to." default:"yaml" placeholder:"yaml|json|DIR"`
	AWS    bool   `name:"aws" help:"Print the CloudFormation template of the pipeline's own stack instead of the objects."`
}

// Help returns the details and examples of the verb.
func (renderCmd) Help() string {
	return `The output depends on the configuration alone; no cluster or account is contacted.

Examples:

  generator render | kubectl apply -f -
  generator render -c services/shop/aphex-config.yaml -o pipeline/
  generator render --aws -o json > aws-side.json`
}

// Run renders and prints.
func (c renderCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	if err := plan.CheckPlace(c.Account, c.Region); err != nil {
		return err
	}
	cfg, err := c.Load()
	if err != nil {
		return err
	}
	place := plan.PlaceOf(cfg, c.Account, c.Region, repository.PathOf(c.Config))
	if place.Images, err = plan.ParseImages(c.Images); err != nil {
		return err
	}
	if c.AWS {
		return raw.Print(infra.TemplateAs(c.Output, cfg, place))
	}
	objects, err := argo.Render(cfg, stages.Contracts(), place)
	if err != nil {
		return err
	}
	for _, warning := range plan.Warnings(cfg, c.Config, place.Images) {
		fmt.Fprintf(std.Err, "warning: %s\n  hint: %s\n", warning.Text, warning.Hint)
	}
	if c.Output == "yaml" || c.Output == "json" {
		return raw.Print(manifest.Text(c.Output, objects))
	}
	changes, err := manifest.Folder(c.Output).Apply(ctx, objects)
	for _, change := range changes {
		fmt.Fprintf(std.Err, "%s %s\n", change.Object, change.Action)
	}
	return err
}

// schemaCmd prints the JSON Schema.
type schemaCmd struct{}

// Help returns the details and examples of the verb.
func (schemaCmd) Help() string {
	return `Editors use this schema for completion and validation if the configuration begins with:

  # yaml-language-server: $schema=https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/aphex-config.schema.json`
}

// Run prints the schema, draft-07.
func (schemaCmd) Run(raw stdio.Raw) error { return raw.Print(config.Schema()) }
