package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// initCmd writes a first configuration.
type initCmd struct {
	configFlag
	scaffold.Options
}

// Run inspects the folder and writes the file.
func (c initCmd) Run(ctx context.Context, std stdio.Streams) error {
	o := c.Options
	o.Config = c.configFlag.Config
	return scaffold.Write(ctx, o, proc.Runner{}, std)
}
