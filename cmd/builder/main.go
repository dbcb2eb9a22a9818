// Command builder builds a commit once for all environments.
package main

import (
	"context"
	"os"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/build"
)

func main() { os.Exit(program().Main()) }

func program() stage.Program {
	return stage.Program{
		Name:   "builder",
		Help:   "builder builds a commit once for all environments.",
		Stages: []stage.Stage{stage.Of(build.Contract(), build.Help, run)},
		Bucket: clients.NamedBucket,
	}
}

func run(ctx context.Context, frame stage.Frame, in build.Input) (build.Output, error) {
	artifacts, err := clients.Bucket(ctx, in.Bucket, in.ArtifactDir)
	if err != nil {
		return build.Output{}, err
	}
	runner, end, err := clients.OpenRunner(ctx, frame, proc.Runner{})
	if err != nil {
		return build.Output{}, err
	}
	defer end()
	signer, err := clients.Signer(ctx, in.Signing)
	if err != nil {
		return build.Output{}, err
	}
	return build.Run(ctx, build.Deps{
		Runner: runner,
		Commits: checkout.Commits{CheckOut: checkout.CheckOut, Token: func(ctx context.Context) (string, error) {
			return clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}.Token(ctx, frame.Redactor.Add)
		}},
		Assume: func(ctx context.Context, frame stage.Frame, role string) ([]string, func(), error) {
			issued, err := clients.ServeBuild(ctx, frame, role, in.Commit)
			if err != nil {
				return nil, nil, err
			}
			return issued.Variables(), func() { _ = issued.Close() }, nil
		},
		Secrets: clients.Secrets,
		Signer:  signer,
		Bucket:  artifacts,
	}, frame, in)
}
