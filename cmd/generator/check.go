package main

import (
	"github.com/aphex/aphex-pipeline/internal/config/check"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// checkCmd checks configurations offline.
type checkCmd struct {
	configFlag
	check.Options
}

// Run checks and prints the problems. An error is exit code 2.
func (c checkCmd) Run(std stdio.Streams, raw stdio.Raw) error {
	o := c.Options
	o.Config = c.configFlag.Config
	return check.Run(o, std, raw)
}
