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
	"github.com/aphex/aphex-pipeline/internal/notify/github"
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
		Open:     clients.NamedBucket,
		Changed:  changed,
		OnBranch: onBranch,
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
		Repository: func(ctx context.Context, frame stage.Frame, in validation.Input) (validation.Begins, error) {
			return repository(in).Open(ctx, "", frame.Redactor.Add, github.Reports([]string{github.Statuses}))
		},
		LookPath: exec.LookPath,
	}, frame, in)
}

func repository(in validation.Input) clients.Repository {
	return clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}
}

// options returns where the commit is fetched from, with the token of the repository.
func options(ctx context.Context, frame stage.Frame, in validation.Input) (checkout.Options, error) {
	token, err := repository(in).Token(ctx, frame.Redactor.Add)
	if err != nil {
		return checkout.Options{}, err
	}
	return checkout.Options{
		URL: in.Repository, Commit: in.Commit, Branch: in.Branch, Token: token,
		Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
	}, nil
}

func checkOut(ctx context.Context, frame stage.Frame, in validation.Input, dir string) error {
	from, err := options(ctx, frame, in)
	if err != nil {
		return err
	}
	from.Dir = dir
	_, err = checkout.CheckOut(ctx, from)
	return err
}

func changed(ctx context.Context, frame stage.Frame, in validation.Input, before string, counts func(file string) bool) (string, error) {
	from, err := options(ctx, frame, in)
	if err != nil {
		return "", err
	}
	return checkout.Changed(ctx, from, before, counts)
}

// onBranch reports whether the commit is the head of the branch on the git server, or before it.
func onBranch(ctx context.Context, frame stage.Frame, in validation.Input) (bool, error) {
	from, err := options(ctx, frame, in)
	if err != nil {
		return false, err
	}
	head, err := checkout.Head(ctx, from)
	if err != nil || head == "" || head == in.Commit {
		return head == in.Commit, err
	}
	from.Commit = head
	order, err := checkout.OrderOf(ctx, from, in.Commit)
	return order == checkout.After, err
}
