package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/cloudside"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/repository"
	"github.com/aphex/aphex-pipeline/stages"
)

// inRepository gives the path that a configuration file has in its repository,
// wherever the verb is called: a pipeline is known by it. Outside of any
// repository it is the path as it was given.
func inRepository(path string) string {
	if file, err := filepath.Abs(path); err == nil {
		if r, err := repository.Around(filepath.Dir(file)); err == nil {
			if inside, err := filepath.Rel(r.Top, file); err == nil {
				return filepath.ToSlash(inside)
			}
		}
	}
	if filepath.IsLocal(path) {
		return filepath.ToSlash(filepath.Clean(path))
	}
	return filepath.Base(path)
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// renderCmd prints the pipeline's objects.
type renderCmd struct {
	configFlag
	completionFlags
	placeFlags
	Output string `short:"o" help:"Format of standard output (yaml or json), or a folder to write the objects to, a file each." default:"yaml" placeholder:"yaml|json|DIR"`
	AWS    bool   `name:"aws" help:"Print the CloudFormation template of the pipeline's AWS side in place of the objects."`
}

// Help teaches the verb.
func (renderCmd) Help() string {
	return `The same configuration always gives the same bytes. Nothing is contacted.

Examples:

  generator render | kubectl apply -f -
  generator render -c services/shop/aphex-config.yaml -o pipeline/
  generator render --aws -o json > aws-side.json`
}

// Run renders and prints.
func (c renderCmd) Run(ctx context.Context, std streams) error {
	cfg, err := c.load(c.Config)
	if err != nil {
		return err
	}
	place := c.place(cfg, inRepository(c.Config))
	if c.AWS {
		return c.printTemplate(cfg, place, std)
	}
	objects, err := render(cfg, place)
	if err != nil {
		return err
	}
	if plan.RepositoryURL(cfg) == "" {
		fmt.Fprintf(std.err, "warning: nothing starts this pipeline: %s names no GitHub repository, so there is no webhook\n"+
			"  hint: set githubOwner and githubRepo, or give --github-owner and --github-repo\n", c.Config)
	}
	switch c.Output {
	case "yaml":
		_, err = std.out.Write(manifest.Stream(objects))
		return err
	case "json":
		list, err := manifest.List(objects)
		if err != nil {
			return err
		}
		_, err = std.out.Write(list)
		return err
	}
	changes, err := manifest.Folder(c.Output).Apply(ctx, objects)
	for _, change := range changes {
		lines{std.err}.Changed(install.Objects, change)
	}
	return err
}

// printTemplate prints the CloudFormation template.
func (c renderCmd) printTemplate(cfg *config.Config, place plan.Place, std streams) error {
	if c.Output != "yaml" && c.Output != "json" {
		return fault.Invalidf("--aws prints one template: --output is yaml or json")
	}
	template, err := cloudside.Template(cfg, place)
	if err != nil {
		return err
	}
	if c.Output == "yaml" {
		template, err = yaml.JSONToYAML(template)
	} else {
		template, err = indent(template)
	}
	if err != nil {
		return fmt.Errorf("writing the template: %w", err)
	}
	_, err = std.out.Write(template)
	return err
}

func indent(text []byte) ([]byte, error) {
	var indented bytes.Buffer
	err := json.Indent(&indented, text, "", "  ")
	indented.WriteByte('\n')
	return indented.Bytes(), err
}

func render(cfg *config.Config, place plan.Place) ([]manifest.Object, error) {
	p, err := plan.New(cfg, stages.Contracts(), place)
	if err != nil {
		return nil, err
	}
	return argo.Objects(cfg, p, place)
}

// schemaCmd prints the JSON Schema.
type schemaCmd struct{}

// Help teaches the verb.
func (schemaCmd) Help() string {
	return `Editors that read the first line of a configuration complete and check it with this schema:

  # yaml-language-server: $schema=https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/aphex-config.schema.json`
}

// Run prints the schema, draft-07.
func (schemaCmd) Run(std streams) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(schema).WriteTo(std.out)
	return err
}
