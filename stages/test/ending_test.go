package test_test

import (
	"context"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
)

// ending is a runner that ends during its command sleep.
type ending struct{ *remotetest.Runner }

func (e *ending) Run(ctx context.Context, c command.Command) error {
	if slices.Contains(c.Args, "sleep 30") {
		time.AfterFunc(100*time.Millisecond, func() { _ = e.Close() })
	}
	return e.Runner.Run(ctx, c)
}
