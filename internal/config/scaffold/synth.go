package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Synthesize runs the app and reads stacks, accounts and regions from its assembly, even
// if it lacks context. The output of the app is written to output.
func (a App) Synthesize(ctx context.Context, runner command.Runner, output io.Writer) (App, error) {
	out, err := os.MkdirTemp("", "aphex-init-")
	if err != nil {
		return App{}, errs.Writing(os.TempDir(), err)
	}
	defer remove.All(out)
	made, err := synth.Synthesize(ctx, synth.Options{
		Runner: runner, App: filepath.Join(a.Top, filepath.FromSlash(a.Folder)), Top: a.Top, Name: a.Folder, Out: out,
		Account: SynthAccount, Region: Region, Env: os.Environ(), Output: output,
	})
	if err == nil {
		return a.With(made), nil
	}
	if partial, readErr := assembly.Read(out); readErr == nil && len(partial.Missing) > 0 {
		fmt.Fprintf(output, "warning: %v\n", err)
		return a.With(partial), nil
	}
	return App{}, err
}

// PathIn returns the path of a configuration relative to the folder of its repository.
// It refuses one outside of it, as runs read it from the commit.
func PathIn(source, config string) (string, error) {
	inside := config
	if filepath.IsAbs(inside) {
		top, err := filepath.Abs(source)
		if err != nil {
			return "", fmt.Errorf("finding the folder %q: %w", source, err)
		}
		if inside, err = filepath.Rel(top, inside); err != nil {
			inside = config
		}
	}
	if !filepath.IsLocal(inside) {
		return "", errs.Invalidf("%s is outside of %s: a pipeline reads its configuration from its repository", config, source).
			WithHint("set -c to a path in that folder, such as %s, or --source to the top of the repository", filepath.Base(config))
	}
	return filepath.Clean(inside), nil
}

// Create writes a configuration to a new file. An existing file is an
// error.
func Create(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return errs.Invalidf("%s already exists and was not changed", path).WithHint("--stdout prints a new one to compare")
	}
	if err != nil {
		return errs.Invalidf("writing the configuration: %w", err)
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
