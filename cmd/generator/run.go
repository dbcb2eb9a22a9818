package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// runCmd runs the whole pipeline on this machine.
type runCmd struct {
	configFlag
	pipelinerun.Options
	placeFlags
}

// Run runs the pipeline and prints a summary. A failed run is an error.
func (c runCmd) Run(ctx context.Context, std stdio.Raw) error {
	o := c.Options
	o.Config, o.Account, o.Region = c.configFlag.Config, c.placeFlags.Account, c.placeFlags.Region
	o.In, o.Out, o.Err = std.In, std.Out, std.Err
	return pipelinerun.Run(ctx, o)
}
