package main

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/localrun/serve"
)

// simulateCmd runs the simulator of AWS alone.
type simulateCmd struct {
	configFlag
	State    string   `help:"Folder for the state of the simulator." default:".aphex" type:"path" placeholder:"DIR"`
	Accounts []string `name:"account" help:"Account to simulate; the first can deploy to the others (default: the accounts of the configuration)." placeholder:"ID"`
	Region   string   `help:"Default region (default: the region of the first environment)."`
	Port     uint16   `help:"Port to listen on, on the loopback interface (default: a free port)." placeholder:"N"`
	JSON     bool     `name:"json" help:"Print the environment variables of every account as JSON."`
}

// Help returns the details and examples of the verb.
func (simulateCmd) Help() string {
	return `Starts the simulated AWS that generator run deploys to, prints the environment variables that point the AWS
SDKs, the AWS CLI and the CDK CLI to it, and runs until Ctrl-C. It shares its state folder with generator
run: deployments of either are visible to both, and only one uses the folder at a time. Accounts and regions
are bootstrapped on the first deployment. Use version 2 of the AWS CLI: version 1 ignores AWS_ENDPOINT_URL for
some services and calls AWS, unless each command has --endpoint-url "$AWS_ENDPOINT_URL".

Examples:

  generator simulate > aws.env &            # in the folder of the repository
  until [ -s aws.env ]; do sleep 0.1; done
  . ./aws.env
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --plan
  aws cloudformation list-stacks
  npx cdk deploy --all

  generator simulate --account 111111111111 --account 222222222222 --region eu-west-1 --port 4566 --json`
}

// Run prints the environment and waits until it is stopped.
func (c simulateCmd) Run(ctx context.Context, std streams) error {
	return serve.Run(ctx, serve.Options{
		Config: c.Config, State: c.State, Accounts: c.Accounts, Region: c.Region, Port: c.Port, JSON: c.JSON, Out: std.out, Err: std.err,
	})
}
