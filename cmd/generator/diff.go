package main

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

// errDiffers ends a diff that found something: exit code 1, and not a word more.
var errDiffers = errors.New("the cluster differs")

// diffCmd tells what apply would change.
type diffCmd struct{ liveFlags }

// Help teaches the verb.
func (diffCmd) Help() string {
	return `Asks the cluster what each object would become, with its defaults and with what others own in it,
and prints the difference. Nothing is changed.

Exit codes, as of kubectl diff: 0 no difference, 1 there are differences, 2 and more an error.

Example:

  generator diff`
}

// Run prints the differences.
func (c diffCmd) Run(ctx context.Context, std streams) error {
	l, err := c.open(ctx)
	if err != nil {
		return notDifferent(err)
	}
	objects, err := l.objects(ctx)
	if err != nil {
		return notDifferent(err)
	}
	differences, err := l.cluster.Diff(ctx, objects)
	if err != nil {
		return notDifferent(err)
	}
	for _, difference := range differences {
		if _, err := std.out.Write(difference.Text); err != nil {
			return notDifferent(err)
		}
	}
	if len(differences) > 0 {
		return errDiffers
	}
	return nil
}

// notDifferent keeps exit code 1 for a difference.
func notDifferent(err error) error {
	if fault.KindOf(err) == fault.Failed {
		return fault.Invalidf("%w", err).WithHint("%s", fault.HintOf(err))
	}
	return err
}
