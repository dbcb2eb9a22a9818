package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// deleteCmd removes a pipeline.
type deleteCmd struct {
	clusterFlags
	AWS    bool `name:"aws" help:"Also remove the pipeline's AWS side. The bucket stays, with what was deployed."`
	Bucket bool `help:"With --aws: also empty and remove the bucket."`
	Yes    bool `short:"y" help:"Do not ask."`
}

// Help teaches the verb.
func (deleteCmd) Help() string {
	return `Removes every object that bears this pipeline's label, whatever its name, and nothing else. Runs that
are over go with it. One that is under way is left and can no longer do anything: stop it first, or
wait for it. What was deployed to the environments stays.

Examples:

  generator delete
  generator delete --aws
  generator delete --aws --bucket --yes`
}

// Validate refuses a bucket without its AWS side.
func (c deleteCmd) Validate() error {
	if c.Bucket && !c.AWS {
		return errs.Invalidf("--bucket is given without --aws")
	}
	return nil
}

// Run asks and removes.
func (c deleteCmd) Run(ctx context.Context, std streams) error {
	target, address, err := c.open(ctx)
	if err != nil {
		return err
	}
	confirm := func(ctx context.Context, r install.Removal) error {
		return ask(ctx, std, console.Question(r, address), c.Yes)
	}
	_, err = install.Delete(ctx, target, install.DeleteOptions{Stack: c.AWS, Bucket: c.Bucket, Confirm: confirm}, console.Lines(std.err))
	return err
}

// ask waits for a yes on the terminal.
func ask(ctx context.Context, std streams, question string, yes bool) error {
	if yes {
		return nil
	}
	file, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return errs.Invalidf("nobody can be asked: standard input is no terminal").WithHint("--yes answers: %s", question)
	}
	fmt.Fprintf(std.err, "%s [y/N] ", question)
	agreed, err := screen.Agreed(ctx, file)
	if err == nil && !agreed {
		return errs.Failedf("nothing was done")
	}
	return err
}
