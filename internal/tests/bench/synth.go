package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

const (
	account = "111111111111"
	region  = "eu-west-1"
)

func benchSynth(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	return measureAll(ctx, log, []pair{synthPair(o.app, scratch)}, o.runs)
}

// synthPair compares the synthesis that a deployment waits for with `cdk synth`, on the CDK app in the folder. The
// validation of the templates is part of theirs; ours does it off the critical path.
func synthPair(app, scratch string) pair {
	env := append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+region)
	return pair{
		Name: "synth", Unit: "s", Limit: 0.25,
		Ours: timed(func(ctx context.Context) error {
			_, err := synth.Synthesize(ctx, synth.Options{
				Runner: proc.Runner{},
				App:    app, Out: filepath.Join(scratch, "ours"), Account: account, Region: region, Env: env,
			})
			return err
		}),
		Theirs: timed(func(ctx context.Context) error {
			return cdkSynth(ctx, app, filepath.Join(scratch, "theirs"), append(env, "CDK_DEFAULT_ACCOUNT="+account))
		}),
	}
}

func cdkSynth(ctx context.Context, app, out string, env []string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("emptying the folder of the assembly: %w", err)
	}
	cdk, err := filepath.Abs(filepath.Join(app, "node_modules", ".bin", "cdk"))
	if err != nil {
		return fmt.Errorf("finding the CDK CLI: %w", err)
	}
	command := exec.CommandContext(ctx, cdk, "synth", "--quiet", "--output", out)
	command.Dir, command.Env = app, env
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("running cdk synth: %w\n%s", err, stderr.String())
	}
	return nil
}
