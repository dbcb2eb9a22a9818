package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/localrun/serve"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// simulateCmd runs the simulator of AWS alone.
type simulateCmd struct {
	configFlag
	serve.Options
}

// Run prints the environment and waits until it is stopped.
func (c simulateCmd) Run(ctx context.Context, std stdio.Streams) error {
	o := c.Options
	o.Config, o.Out, o.Err = c.configFlag.Config, std.Out, std.Err
	return serve.Run(ctx, o)
}
