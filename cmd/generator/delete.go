package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// deleteCmd removes a pipeline.
type deleteCmd struct {
	clusterFlags
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
func (c deleteCmd) Run(ctx context.Context, std streams) error {
	target, address, err := c.open(ctx)
	if err != nil {
		return err
	}
	confirm := func(ctx context.Context, r install.Removal) error {
		return ask(ctx, std, console.Question(r, address), unchanged, c.Yes)
	}
	_, err = install.Delete(ctx, target, install.DeleteOptions{Stack: c.AWS, Bucket: c.Bucket, Confirm: confirm}, console.Lines(std.err))
	return err
}

// unchanged is the outcome of a verb that asks before it changes anything.
const unchanged = "nothing was changed"

// ask asks a yes-or-no question on the terminal. The outcome is what a person reads who declines.
func ask(ctx context.Context, std streams, question, outcome string, yes bool) error {
	if yes {
		return nil
	}
	file, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return errs.Invalidf("cannot prompt: stdin is not a terminal").WithHint("use --yes to confirm: %s", strings.TrimSpace(question))
	}
	fmt.Fprintf(std.err, "%s [y/N] ", question)
	agreed, err := screen.Agreed(ctx, file)
	if err == nil && !agreed {
		return errs.Failedf("declined; %s", outcome)
	}
	return err
}
