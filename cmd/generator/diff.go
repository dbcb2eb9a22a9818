package main

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
)

// errDiffers ends a diff that found something: exit code 1, and not a word more.
var errDiffers = errors.New("the cluster differs")

// diffCmd shows what apply would change.
type diffCmd struct{ clusterFlags }

// Help teaches the verb.
func (diffCmd) Help() string {
	return `Asks the cluster what each object would become, with its defaults and with what others own in it,
and prints the difference. Nothing is changed.

Exit codes, as of kubectl diff: 0 no difference, 1 there are differences, 2 and more an error.

Example:

  generator diff`
}

// Run prints the differences. Exit code 1 is kept for a difference: an error
// that would end with it ends with 2.
func (c diffCmd) Run(ctx context.Context, std streams) error {
	differences, err := c.diff(ctx)
	for _, difference := range differences {
		if err == nil {
			_, err = std.out.Write(difference.Text)
		}
	}
	switch {
	case err != nil && errs.KindOf(err) == errs.Failed:
		return errs.Invalidf("%w", err).WithHint("%s", errs.HintOf(err))
	case err == nil && len(differences) > 0:
		return errDiffers
	}
	return err
}

func (c diffCmd) diff(ctx context.Context) ([]kube.Difference, error) {
	target, _, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return install.Diff(ctx, target)
}
