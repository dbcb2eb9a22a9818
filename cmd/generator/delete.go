package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// deleteCmd removes a pipeline.
type deleteCmd struct {
	install.Session
	AWS    bool `name:"aws" help:"Also delete the pipeline's own stack. The bucket and the deployed environments stay."`
	Bucket bool `help:"With --aws: also empty and delete the artifact bucket."`
	Yes    bool `short:"y" help:"Remove without asking for confirmation."`
}

// Help returns the details and examples of the verb.
func (deleteCmd) Help() string {
	return `Removes every object with this pipeline's label, whatever its name, and nothing else. Finished runs are
removed too. A run in progress stays but loses its permissions: stop it first, or wait until it ends. The
deployed environments stay.

Examples:

  generator delete
  generator delete --aws
  generator delete --aws --bucket --yes`
}

// Validate refuses --bucket without --aws.
func (c deleteCmd) Validate() error {
	if c.Bucket && !c.AWS {
		return errs.Invalidf("--bucket requires --aws")
	}
	return nil
}

// Run asks for confirmation and removes the pipeline.
func (c deleteCmd) Run(ctx context.Context, std stdio.Streams) error {
	target, address, err := c.Open(ctx)
	if err != nil {
		return err
	}
	confirm := func(ctx context.Context, r install.Removal) error {
		return std.Ask(ctx, console.Question(r, address), stdio.Unchanged, c.Yes)
	}
	_, err = install.Delete(ctx, target, install.DeleteOptions{Stack: c.AWS, Bucket: c.Bucket, Confirm: confirm}, console.Lines(std.Err))
	return err
}
