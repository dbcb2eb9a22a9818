// Command tester tests an environment after its deployment.
package main

import (
	"context"
	"os"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/test"
)

func main() { os.Exit(program().Main()) }

func program() stage.Program {
	return stage.Program{
		Name:   "tester",
		Help:   "tester tests an environment after its deployment.",
		Stages: []stage.Stage{stage.Of(test.Contract(), test.Help, run)},
		Bucket: clients.NamedBucket,
	}
}

func run(ctx context.Context, frame stage.Frame, in test.Input) (test.Output, error) {
	artifacts, err := clients.Bucket(ctx, in.Bucket, in.ArtifactDir)
	if err != nil {
		return test.Output{}, err
	}
	runner, end, err := clients.OpenRunner(ctx, frame, proc.Runner{})
	if err != nil {
		return test.Output{}, err
	}
	defer end()
	assume := func(ctx context.Context, frame stage.Frame, env config.Environment) ([]string, func(), error) {
		access, err := clients.AssumeEnvironment(ctx, frame, env, in.Commit)
		if err != nil {
			return nil, nil, err
		}
		issued, err := access.ServeCommands(ctx, frame.Redactor.Add)
		if err != nil {
			return nil, nil, err
		}
		return checkout.Environ(runner.Environ(), issued.Variables()...), func() { _ = issued.Close() }, nil
	}
	return test.Run(ctx, test.Deps{Runner: runner, Bucket: artifacts, Assume: assume, Secrets: clients.Secrets}, frame, in)
}
