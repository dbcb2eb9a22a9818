package main

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// errDiffers ends a diff with differences: exit code 1 without a message.
var errDiffers = errors.New("the pipeline differs")

// diffCmd shows what apply, and for the policy of the bucket bootstrap, would change.
type diffCmd struct {
	install.Session
	imagesFlag
}

// Help returns the details and examples of the verb.
func (diffCmd) Help() string {
	return `Compares each object in the cluster with the result of a server-side dry run, including defaults and the
fields of other managers, and prints the differences. With AWS credentials that can read it, also compares
the policy of the artifact bucket of an installed pipeline, which "generator bootstrap" restores. Nothing is
changed.

Exit codes, as of kubectl diff: 0 no differences, 1 differences, 2 or more an error.

Example:

  generator diff`
}

// Run prints the differences. Exit code 1 means a difference: an error that would
// end with 1 ends with 2.
func (c diffCmd) Run(ctx context.Context, std stdio.Streams) error {
	differences, err := c.diff(ctx, console.Lines(std.Err))
	if err == nil {
		err = console.Differences(std.Out, differences)
	}
	switch {
	case err != nil && errs.KindOf(err) == errs.Failed:
		return errs.Invalidf("%w", err).WithHint("%s", errs.HintOf(err))
	case err == nil && len(differences) > 0:
		return errDiffers
	}
	return err
}

func (c diffCmd) diff(ctx context.Context, r install.Reporter) ([]kube.Difference, error) {
	target, _, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	target.Images = c.images()
	return install.Diff(ctx, target, r)
}
