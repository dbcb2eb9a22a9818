package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
)

// runCmd runs the whole pipeline on this machine.
type runCmd struct {
	configFlag
	Source    string `help:"Folder of the git repository, or one in it; the commit that is checked out is run." default:"." type:"path" placeholder:"DIR"`
	State     string `help:"Folder for what outlives a run: the simulated AWS, the pipeline's objects, logs (default: .aphex in the source)." type:"path" placeholder:"DIR"`
	AWS       string `help:"Where to deploy: simulator, or default-chain for the AWS accounts that your credentials lead to." enum:"simulator,default-chain" default:"simulator" name:"aws"`
	LogFormat string `help:"What standard error carries: text for people, or a JSON record a line." enum:"text,json" default:"text"`
	Lookups   bool   `help:"Let the CDK CLI look up context that cdk.context.json lacks, in the accounts of --aws=default-chain; in simulated accounts it always may."`
	Yes       bool   `short:"y" help:"Approve every deployment that asks for it."`
	placeFlags
}

// Help teaches the verb.
func (runCmd) Help() string {
	return `Executes the rendered WorkflowTemplate with processes in place of pods: the wiring that a cluster gets
is the wiring that is run here. AWS is simulated unless --aws=default-chain says otherwise. A simulated
account is bootstrapped in a region, with the app's qualifier, when it is first used there; a real one never is.

The pipeline's objects are kept in the state folder, as a cluster keeps them. A commit is deployed by the
pipeline that it declares: where it declares another one than the last commit did, the run hands over to a
run of that one, which takes what was built.

Examples:

  generator run --source .
  generator run --source . --aws=default-chain --yes`
}

// Run makes one run and prints its summary. A run that failed is an error.
func (c runCmd) Run(ctx context.Context, std streams) error {
	return pipelinerun.Run(ctx, pipelinerun.Options{
		Source: c.Source, Config: c.Config, State: c.State, Account: c.Account, Region: c.Region,
		RealAWS: c.AWS != "simulator", Lookups: c.Lookups, Yes: c.Yes, JSON: c.LogFormat == "json",
		In: std.in, Out: std.out, Err: std.err,
	})
}
