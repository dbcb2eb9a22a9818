package buildkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Build builds an image, and pushes it if it has a destination.
func (b *Builder) Build(ctx context.Context, image assets.Image) error {
	r := &request{image: image}
	defer r.close()
	options, err := r.options()
	if err != nil {
		return err
	}
	doing := "building"
	if image.Push != "" {
		doing = "pushing"
	}
	statuses, printed, shown := make(chan *client.SolveStatus), make(chan error, 1), &progress{}
	go func() { printed <- shown.print(image.Out, statuses) }()
	_, err = b.client.Solve(ctx, nil, options, statuses)
	failed := <-printed
	switch {
	case err == nil:
		return failed
	case ctx.Err() != nil:
		return fmt.Errorf("%s the image %s: %w", doing, image.Name, ctx.Err())
	case errs.KindOf(explained(err)) != errs.Failed:
		return fmt.Errorf("%s the image %s with the image builder %s: %w", doing, image.Name, b.address, explained(err))
	}
	return errs.Failedf("%s", image.Mask.String(fmt.Sprintf("%s the image %s%s: %s%s", doing, image.Name, shown.step(), bare(err), shown.last())))
}

// bare returns an error of BuildKit without the words of its protocol.
func bare(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "failed to solve: "), "rpc error: code = Unknown desc = ")
}
