package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/localrun/serve"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// initCmd writes a first configuration.
type initCmd struct{ scaffold.Options }

// Run inspects the folder and writes the file.
func (c initCmd) Run(ctx context.Context, std stdio.Streams) error {
	return scaffold.Write(ctx, c.Options, proc.Runner{}, std)
}

// runCmd runs the whole pipeline on this machine.
type runCmd struct{ pipelinerun.Options }

// Run runs the pipeline and prints a summary. A failed run is an error.
func (c runCmd) Run(ctx context.Context, std stdio.Raw) error {
	c.In, c.Out, c.Err = std.In, std.Out, std.Err
	return pipelinerun.Run(ctx, c.Options)
}

// simulateCmd runs the simulator of AWS alone.
type simulateCmd struct{ serve.Options }

// Run prints the environment and waits until it is stopped.
func (c simulateCmd) Run(ctx context.Context, std stdio.Streams) error {
	c.Out, c.Err = std.Out, std.Err
	return serve.Run(ctx, c.Options)
}
