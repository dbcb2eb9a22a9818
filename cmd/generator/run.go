package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// runCmd runs the whole pipeline on this machine.
type runCmd struct {
	configFlag
	Source    string   `help:"Folder of the git repository, or a folder in it; HEAD is run." default:"." type:"path" placeholder:"DIR"`
	State     string   `help:"Folder for state that is kept between runs: simulated AWS, pipeline objects, logs (default: .aphex in the source)." type:"path" placeholder:"DIR"`
	AWS       string   `help:"Where to deploy: simulator, or default-chain for real AWS accounts with your default credentials." enum:"simulator,default-chain" default:"simulator" name:"aws"`
	LogFormat string   `help:"Format of stderr: text, or json with one record per line." enum:"text,json" default:"text"`
	Lookups   bool     `help:"Allow context lookups in the accounts of --aws=default-chain; in simulated accounts they are always allowed."`
	Yes       bool     `short:"y" help:"Approve every deployment that requires approval."`
	From      string   `help:"Go on with the artifact of the last run of the same commit, at this step, such as deploy-prod: after a failure that has no cause in the commit." placeholder:"STEP"`
	Only      []string `help:"Environments to deploy; others are left out (default: all)." placeholder:"ENV"`
	Keep      bool     `help:"Keep the workspaces of steps that succeeded; those of failed steps always stay."`
	Watch     bool     `help:"Run again for each new commit, until Ctrl-C."`
	placeFlags
}

// Help returns the details and examples of the verb.
func (runCmd) Help() string {
	return `Runs the rendered WorkflowTemplate, the same that a cluster runs, with processes instead of pods. AWS is
simulated unless --aws=default-chain is set. A simulated account is bootstrapped in a region, with the app's
qualifier, on first use; a real account never is.

The pipeline's objects are kept in the state folder. A commit is deployed by the pipeline that it declares:
if that differs from the pipeline of the last commit, the run hands over to a run of the new pipeline, which
uses the artifact that was built.

The run takes the last commit. --only deploys some of its environments, in their order. --from skips the build
and the environments before the step.

Examples:

  generator run --source .
  generator run --source . --only dev --watch
  generator run --source . --from deploy-prod
  generator run --source . --aws=default-chain --yes`
}

// Validate refuses to go on with one artifact for each new commit.
func (c runCmd) Validate() error {
	if c.From != "" && c.Watch {
		return errs.Invalidf("--from cannot be combined with --watch: a new commit has no artifact yet")
	}
	return nil
}

// Run runs the pipeline once and prints a summary. A failed run is an error.
func (c runCmd) Run(ctx context.Context, std rawStreams) error {
	if err := plan.CheckPlace(c.Account, c.Region); err != nil {
		return err
	}
	run := pipelinerun.Run
	if c.Watch {
		run = pipelinerun.Watch
	}
	return run(ctx, pipelinerun.Options{
		Source: c.Source, Config: c.Config, State: c.State, Account: c.Account, Region: c.Region,
		RealAWS: c.AWS != "simulator", Lookups: c.Lookups, Yes: c.Yes, JSON: c.LogFormat == "json",
		From: c.From, Only: c.Only, Keep: c.Keep,
		In: std.in, Out: std.out, Err: std.err,
	})
}
