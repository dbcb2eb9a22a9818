package proc

import (
	"context"
	"io"
	"os"
	"os/exec"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// Runner runs commands as processes of this machine.
type Runner struct{}

var _ command.Runner = Runner{}

// LookPath searches this process's PATH.
func (Runner) LookPath(program string) (string, error) { return exec.LookPath(program) }

// Environ is this process's environment.
func (Runner) Environ() []string { return os.Environ() }

// Place is path itself.
func (Runner) Place(path string) string { return path }

// Send does nothing: commands have the same files.
func (Runner) Send(ctx context.Context, _ string) error { return ctx.Err() }

// SendFolder does nothing either.
func (Runner) SendFolder(ctx context.Context, _ string, _ func(context.Context, io.Writer) error) error {
	return ctx.Err()
}

// Fetch says where the file is.
func (Runner) Fetch(ctx context.Context, from, _ string, _ command.Selection) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	_, err := os.Stat(from)
	return from, err
}
