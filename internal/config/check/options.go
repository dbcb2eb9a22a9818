package check

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Options say what to check, and how to print it. They are the flags of the verb.
type Options struct {
	config.FileFlag // is checked if there are no others

	Files       []string `arg:"" optional:"" name:"file" help:"Configuration files to check in place of --config."`
	JSON        bool     `name:"json" help:"Print the problems as JSON."`
	Annotations bool     `help:"Also print the problems as annotations of GitHub Actions, where they are shown beside their lines." env:"GITHUB_ACTIONS"`
}

// Help returns the details and examples of the verb.
func (Options) Help() string {
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

// Run checks the files and prints their problems. An error in a file is an error of the
// kind Invalid.
func (o Options) Run(std stdio.Streams, raw stdio.Raw) error {
	files, found := o.Files, []Problem{}
	if len(files) == 0 {
		files = []string{o.Config}
	}
	for _, file := range files {
		found = append(found, File(file)...)
	}
	if err := o.print(found, std, raw); err != nil {
		return errs.Writing("standard output", err)
	}
	return verdict(files, found)
}

func (o Options) print(found []Problem, std stdio.Streams, raw stdio.Raw) error {
	if o.JSON {
		return raw.PrintJSON(map[string]any{"problems": found})
	}
	if len(found) == 0 {
		fmt.Fprintln(std.Err, "no problems")
	}
	if o.Annotations {
		if err := annotate(std.Out, found); err != nil {
			return err
		}
	}
	return list(std.Out, found)
}
