package main

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/check"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// checkCmd checks configurations offline.
type checkCmd struct {
	configFlag
	Files       []string `arg:"" optional:"" name:"file" help:"Configuration files to check in place of --config."`
	JSON        bool     `name:"json" help:"Print the problems as JSON."`
	Annotations bool     `help:"Also print the problems as annotations of GitHub Actions, where they are shown beside their lines." env:"GITHUB_ACTIONS"`
}

// Help returns the details and examples of the verb.
func (checkCmd) Help() string {
	return `Checks the configuration, that its paths are in CDK apps of the repository, that these have the context it
requires, and that it renders. No cluster or account is contacted, and no code of the repository runs. Each
problem has its line and how to fix it. The validator of the pipeline checks the same, and the accounts.

Exit codes: 0 no errors, perhaps warnings; 2 errors.

The repository of AphexPipeline has a GitHub Action that runs the check on a pull request, and a hook for
pre-commit:

  - uses: aphex/aphex-pipeline@main    # in .github/workflows/check.yml, after actions/checkout

  repos:                               # in .pre-commit-config.yaml
    - repo: https://github.com/aphex/aphex-pipeline
      rev: main
      hooks: [{id: aphex-config}]

Examples:

  generator check
  generator check services/*/aphex-config.yaml
  generator check --json | jq -r '.problems[] | "\(.file):\(.line) \(.message)"'`
}

// Run checks and prints the problems. An error is exit code 2.
func (c checkCmd) Run(std stdio.Streams, raw stdio.Raw) error {
	files, found := c.Files, []check.Problem{}
	if len(files) == 0 {
		files = []string{c.Config}
	}
	for _, file := range files {
		found = append(found, check.File(file)...)
	}
	if err := c.print(std, raw, found); err != nil {
		return errs.Writing("standard output", err)
	}
	return check.Verdict(files, found)
}

func (c checkCmd) print(std stdio.Streams, raw stdio.Raw, found []check.Problem) error {
	if c.JSON {
		return raw.PrintJSON(map[string]any{"problems": found})
	}
	if len(found) == 0 {
		fmt.Fprintln(std.Err, "no problems")
	}
	if c.Annotations {
		if err := check.Annotations(std.Out, found); err != nil {
			return err
		}
	}
	return check.Text(std.Out, found)
}
