package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// renderCmd prints the pipeline's objects.
type renderCmd struct {
	configFlag
	completionFlags
	placeFlags
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
func (c renderCmd) Run(ctx context.Context, std streams, raw rawStreams) error {
	if err := plan.CheckPlace(c.Account, c.Region); err != nil {
		return err
	}
	cfg, err := c.load(c.Config)
	if err != nil {
		return err
	}
	place := plan.PlaceOf(cfg, c.Account, c.Region, repository.PathOf(c.Config))
	if place.Images, err = plan.ParseImages(c.Images); err != nil {
		return err
	}
	if c.AWS {
		return c.printTemplate(cfg, place, raw)
	}
	p, err := plan.New(cfg, stages.Contracts(), place)
	if err != nil {
		return err
	}
	objects, err := argo.Objects(cfg, p, place)
	if err != nil {
		return err
	}
	c.warn(std.err, cfg, place.Images)
	switch c.Output {
	case "yaml":
		_, err = raw.document().Write(manifest.Stream(objects))
		return err
	case "json":
		list, err := manifest.List(objects)
		if err != nil {
			return err
		}
		_, err = raw.document().Write(list)
		return err
	}
	changes, err := manifest.Folder(c.Output).Apply(ctx, objects)
	for _, change := range changes {
		fmt.Fprintf(std.err, "%s %s\n", change.Object, change.Action)
	}
	return err
}

// warn prints what whoever applies the objects should know first. Other verbs check it.
func (c renderCmd) warn(w io.Writer, cfg *config.Config, images plan.Images) {
	warn := func(hint, format string, args ...any) {
		fmt.Fprintf(w, "warning: %s\n  hint: %s\n", fmt.Sprintf(format, args...), hint)
	}
	if plan.RepositoryURL(cfg) == "" {
		warn("set githubOwner and githubRepo, or pass --github-owner and --github-repo",
			"no push starts this pipeline: %s names no GitHub repository, so there is no webhook", c.Config)
	} else if problem, hint := cfg.PlainHTTP(); problem != "" {
		warn(hint, "%s", problem)
	}
	own := cfg.OwnImage("validator")
	if images != "" || own == "" {
		return
	}
	var others []string
	for _, program := range plan.Programs() {
		if image, err := cfg.Image(program); err == nil && image != own && cfg.OwnImage(program) == "" {
			others = append(others, image)
		}
	}
	if len(others) > 0 {
		from := "REGISTRY[:TAG]"
		if beside, err := plan.ImagesBeside(cfg); err == nil {
			from = beside.Source()
		}
		warn("to use one release for all stages: --images "+from, "validatorImage is %s, but other stages run in %s", own, strings.Join(others, ", "))
	}
}

// printTemplate prints the CloudFormation template.
func (c renderCmd) printTemplate(cfg *config.Config, place plan.Place, raw rawStreams) error {
	if c.Output != "yaml" && c.Output != "json" {
		return errs.Invalidf("--aws prints one template: --output must be yaml or json")
	}
	template, err := infra.Template(cfg, place)
	if err != nil {
		return err
	}
	text, err := yaml.JSONToYAML(template)
	if c.Output == "json" {
		var indented bytes.Buffer
		err = json.Indent(&indented, template, "", "  ")
		text = append(indented.Bytes(), '\n')
	}
	if err != nil {
		return fmt.Errorf("writing the template: %w", err)
	}
	_, err = raw.document().Write(text)
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
func (schemaCmd) Run(std rawStreams) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = std.out.Write(schema)
	return err
}
