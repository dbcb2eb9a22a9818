package proc

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Refusal returns why no command runs on this system: those of a repository are written
// for a POSIX shell, and nothing here ends all processes that one leaves behind.
func Refusal() error {
	return errs.Invalidf("commands of a repository do not run on Windows").
		WithHint("run generator in WSL (wsl --install), or on Linux or macOS; all verbs that start no command work here")
}

// Run refuses.
func (Runner) Run(context.Context, command.Command) error { return Refusal() }
