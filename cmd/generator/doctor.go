package main

import (
	"context"
	"net/http"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// doctorCmd checks an installed pipeline.
type doctorCmd struct {
	install.Session
	imagesFlag
	GithubAPI string `name:"github-api" help:"Address of GitHub's API, which gets the token. The default is that of githubHost." placeholder:"URL"`
	JSON      bool   `name:"json" help:"Print the checks as JSON."`
}

// Help returns the details and examples of the verb.
func (doctorCmd) Help() string {
	return `Prints a line for each check, with what to do: the version of this program and of the images, AWS credentials,
exports of the cluster, bucket, GitHub token, CDK bootstrap of every account, access to Kubernetes, versions of
Argo, namespaces, the image builder, and the webhook in GitHub with its last delivery. Nothing is changed. The
token of githubTokenSecretName, or the App of githubApp, must be permitted to read webhooks.

Exit codes: 0 no check failed, perhaps warnings; 1 one failed.

Examples:

  generator doctor
  generator doctor --json | jq -r '.checks[] | select(.status == "failed") | .fix'`
}

// Run checks and prints. A failed check is an error.
func (c doctorCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	checks := []kube.Check{{What: "generator " + stage.Version()}}
	target, address, err := c.Open(ctx)
	if err != nil {
		checks = append(checks, kube.Check{What: "the configuration, credentials and cluster", Problem: err.Error(), Fix: errs.HintOf(err)})
	} else {
		target.Images, target.SharedNamespaces = c.images(), true
		checks = append(checks, kube.Check{What: "cluster " + address})
		checks = append(checks, install.Doctor(ctx, target, install.GitHub{URL: c.GithubAPI, Do: http.DefaultClient.Do})...)
	}
	if c.JSON {
		if err := raw.PrintJSON(map[string]any{"checks": install.Results(checks)}); err != nil {
			return errs.Writing("standard output", err)
		}
	} else {
		console.Checks(std.Out, checks)
	}
	return install.Diagnosis(checks)
}
