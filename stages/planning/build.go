package planning

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// build builds the commit, and returns its configuration and what makes copies of the built
// workspace. With a configuration, the error is that of the build commands.
func (d Deps) build(ctx context.Context, frame stage.Frame, in Input, scratch string) (*config.Config, deploy.Copy, error) {
	dir := in.Source
	var parts func(config.Checkout) error
	if dir == "" {
		dir = filepath.Join(scratch, "workspace")
		var err error
		_, parts, err = d.Commits.Get(ctx, checkout.Options{
			URL: in.Repository, Commit: in.Commit, Branch: in.Branch, Dir: dir, Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
		}, frame.Redactor.Add)
		if err != nil {
			return nil, nil, err
		}
	}
	cfg, err := config.LoadCommitted(dir, in.Config, in.ConfigDigest)
	if err != nil {
		return nil, nil, errs.Invalidf("%w", err)
	}
	cfg = cfg.At(in.Config)
	if parts == nil {
		sent := false
		return cfg, func(ctx context.Context, to command.Files) (string, error) {
			if sent {
				return dir, nil
			}
			sent = true
			return dir, to.Send(ctx, dir)
		}, nil
	}
	if err := parts(cfg.Checkout); err != nil {
		return nil, nil, err
	}
	if err := d.Engine.Runner.Send(ctx, dir); err != nil {
		return nil, nil, err
	}
	if err := d.run(ctx, frame, in, cfg.Build, dir); err != nil {
		if kind := errs.KindOf(err); kind == errs.Temporary || ctx.Err() != nil {
			return nil, nil, err
		}
		return cfg, nil, err
	}
	copies, err := d.pack(ctx, frame, in, scratch, dir)
	if err != nil {
		return nil, nil, err
	}
	return cfg, copies, nil
}

// run runs the build commands with nothing but the variables of the configuration: whoever
// opens a pull request decides what they do, before anybody has looked at it.
func (d Deps) run(ctx context.Context, frame stage.Frame, in Input, build config.Build, dir string) error {
	runner := d.Engine.Runner
	variables := append(config.Variables(build.Env), "COMMIT_SHA="+in.Commit, "BRANCH="+in.Branch, "REPOSITORY="+in.Repository)
	_, err := checkout.RunCommands(ctx, build.Commands, checkout.ExecOptions{
		Runner: runner, Dir: runner.Place(dir), Env: checkout.Environ(runner.Environ(), variables...),
		Out: frame.Out, Redactor: frame.Redactor, Limit: in.Limit, Timeout: checkout.Timeout{Key: "build.timeout", Of: build.Timeout.Duration()},
		Memory: config.BuildMemory,
	})
	return err
}

// pack packs the built workspace as the build does, but keeps it here, and returns what unpacks
// copies of it.
func (d Deps) pack(ctx context.Context, frame stage.Frame, in Input, scratch, dir string) (deploy.Copy, error) {
	everything := func(string, bool) bool { return true }
	packed, err := bucket.PackBuilt(ctx, d.Engine.Runner, dir, checkout.Excluded, everything)
	if err != nil {
		return nil, err
	}
	defer packed.Remove()
	store := bucket.OpenDirectory(filepath.Join(scratch, "artifact"))
	if err := store.Prepare(ctx); err != nil {
		return nil, err
	}
	built, err := store.Save(ctx, packed, bucket.Metadata{Commit: in.Commit})
	if err != nil {
		return nil, err
	}
	from := bucket.Workspace{Commit: in.Commit, Artifact: built.Key, Digest: built.Digest}
	number := 0
	return func(ctx context.Context, to command.Files) (string, error) {
		number++
		return from.HandCopy(ctx, store, to, frame.Log, filepath.Join(scratch, fmt.Sprintf("copy-%d", number)))
	}, nil
}
