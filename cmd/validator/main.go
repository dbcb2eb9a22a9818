// Command validator validates a commit before it is built.
package main

import (
	"context"
	"os"
	"os/exec"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

func main() { os.Exit(program().Main()) }

func program() stage.Program {
	return stage.Program{
		Name:   "validator",
		Help:   "validator validates a commit before it is built.",
		Stages: []stage.Stage{stage.Of(validation.Contract(), validation.Help, run)},
		Bucket: clients.NamedBucket,
	}
}

func run(ctx context.Context, frame stage.Frame, in validation.Input) (validation.Output, error) {
	var accesses sync.Map // name of the environment → *awsauth.Access
	return validation.Run(ctx, validation.Deps{
		Checkout: checkOut,
		Assume: func(ctx context.Context, env config.Environment) error {
			access, err := clients.AssumeEnvironment(ctx, frame, env, in.Commit)
			accesses.Store(env.Name, access)
			return err
		},
		BootstrapVersion: func(ctx context.Context, env config.Environment) (int, error) {
			access, _ := accesses.Load(env.Name)
			reader, err := access.(*awsauth.Access).Reader(ctx)
			if err != nil {
				return 0, err
			}
			return awsauth.BootstrapVersion(ctx, reader, env.Qualifiers()[0])
		},
		LookPath: exec.LookPath,
	}, frame, in)
}

func checkOut(ctx context.Context, frame stage.Frame, in validation.Input, dir string) error {
	token, err := clients.Token(ctx, in.Repository, in.TokenSecret)
	if err != nil {
		return err
	}
	frame.Redactor.Add(token)
	_, err = checkout.CheckOut(ctx, checkout.Options{
		URL: in.Repository, Commit: in.Commit, Branch: in.Branch, Dir: dir, Token: token,
		Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
	})
	return err
}
