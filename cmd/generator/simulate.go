package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/localrun/serve"
)

// simulateCmd runs the simulator of AWS alone.
type simulateCmd struct {
	configFlag
	serve.Options
}

// Run prints the environment and waits until it is stopped.
func (c simulateCmd) Run(ctx context.Context, std streams) error {
	o := c.Options
	o.Config, o.Out, o.Err = c.configFlag.Config, std.out, std.err
	return serve.Run(ctx, o)
}
