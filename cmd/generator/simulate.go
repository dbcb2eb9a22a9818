package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/cloud"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
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
	if err := c.complete(); err != nil {
		return err
	}
	folder, err := state.Open(ctx, c.State, state.Simulator, func(other string) { fmt.Fprintf(std.err, "%s uses %s; waiting until it ends\n", other, c.State) })
	if err != nil {
		return err
	}
	defer folder.Close()
	notef := func(format string, args ...any) { fmt.Fprintf(std.err, format, args...) }
	simulator, err := cloud.Simulate(cloud.Simulation{Dir: folder.AWS(), Port: c.Port, Accounts: c.Accounts, Region: c.Region, Notef: notef})
	if err != nil {
		return err
	}
	defer simulator.Close()
	if err := c.print(std.out, simulator); err != nil {
		return errs.Writing("standard output", err)
	}
	notef("Ctrl-C stops the simulator\n")
	<-ctx.Done()
	notef("\nthe simulator is stopped; its state is in %s\n", state.Short(folder.Dir))
	return nil
}

// complete takes values without a flag from the configuration.
func (c *simulateCmd) complete() (err error) {
	for _, id := range c.Accounts {
		if err := plan.CheckPlace(id, ""); err != nil {
			return err
		}
	}
	if err := plan.CheckPlace("", c.Region); err != nil {
		return err
	}
	c.Accounts, c.Region, err = cloud.Places(c.Config, c.Accounts, c.Region)
	return err
}

// print prints the environment of the first account for a shell, or that of all as JSON.
func (c simulateCmd) print(w io.Writer, simulator cloud.Cloud) error {
	if !c.JSON {
		var lines strings.Builder
		for _, entry := range simulator.Env() {
			fmt.Fprintf(&lines, "export %s\n", entry) // no value has a character that is special in a shell
		}
		_, err := io.WriteString(w, lines.String())
		return err
	}
	accounts := map[string]map[string]string{}
	for _, id := range c.Accounts {
		accounts[id] = simulator.VariablesOf(id)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"url": simulator.URL, "env": accounts[c.Accounts[0]], "accounts": accounts})
}
