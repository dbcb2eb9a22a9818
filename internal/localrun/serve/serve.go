// Package serve runs the simulator of AWS alone, for single stages and other tools.
package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/cloud"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Options configure the simulator. They are the flags of the verb that runs it.
type Options struct {
	config.FileFlag // has the accounts and the region that are not given

	State    string   `help:"Folder for the state of the simulator." default:".aphex" type:"path" placeholder:"DIR"`
	Accounts []string `name:"account" help:"Account to simulate; the first can deploy to the others (default: the accounts of the configuration)." placeholder:"ID"`
	Region   string   `help:"Default region (default: the region of the first environment)."`
	Port     uint16   `help:"Port to listen on, on the loopback interface (default: a free port)." placeholder:"N"`
	JSON     bool     `name:"json" help:"Print the environment variables of every account as JSON."`

	Out io.Writer `kong:"-"` // the environment variables
	Err io.Writer `kong:"-"` // messages
}

// Help returns the details and examples of the verb.
func (Options) Help() string {
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

// Run starts the simulator, prints the variables with which programs find it, and returns
// when the context ends.
func Run(ctx context.Context, o Options) (err error) {
	for _, id := range o.Accounts {
		if err := plan.CheckPlace(id, ""); err != nil {
			return err
		}
	}
	if err := plan.CheckPlace("", o.Region); err != nil {
		return err
	}
	if o.Accounts, o.Region, err = cloud.Places(o.Config, o.Accounts, o.Region); err != nil {
		return err
	}
	folder, err := state.Open(ctx, o.State, state.Simulator, func(other string) { fmt.Fprintf(o.Err, "%s uses %s; waiting until it ends\n", other, o.State) })
	if err != nil {
		return err
	}
	defer folder.Close()
	notef := func(format string, args ...any) { fmt.Fprintf(o.Err, format, args...) }
	simulator, err := cloud.Simulate(cloud.Simulation{Dir: folder.AWS(), Port: o.Port, Accounts: o.Accounts, Region: o.Region, Notef: notef})
	if err != nil {
		return err
	}
	defer simulator.Close()
	if err := o.print(simulator); err != nil {
		return errs.Writing("standard output", err)
	}
	notef("Ctrl-C stops the simulator\n")
	<-ctx.Done()
	notef("\nthe simulator is stopped; its state is in %s\n", state.Short(folder.Dir))
	return nil
}

// print prints the environment of the first account for a shell, or that of all as JSON.
func (o Options) print(simulator cloud.Cloud) error {
	if !o.JSON {
		var lines strings.Builder
		for _, entry := range simulator.Env() {
			fmt.Fprintf(&lines, "export %s\n", entry) // no value has a character that is special in a shell
		}
		_, err := io.WriteString(o.Out, lines.String())
		return err
	}
	accounts := map[string]map[string]string{}
	for _, id := range o.Accounts {
		accounts[id] = simulator.VariablesOf(id)
	}
	encoder := json.NewEncoder(o.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"url": simulator.URL, "env": accounts[o.Accounts[0]], "accounts": accounts})
}
