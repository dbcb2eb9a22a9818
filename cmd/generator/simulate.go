package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// simulateCmd runs the simulator of AWS alone.
type simulateCmd struct {
	configFlag
	State    string   `help:"Folder that keeps what is deployed." default:".aphex" type:"path" placeholder:"DIR"`
	Accounts []string `name:"account" help:"Account to simulate, and to be in; the first may deploy into the others (default: those of the configuration)." placeholder:"ID"`
	Region   string   `help:"Region to be in (default: that of the first environment)."`
	Port     uint16   `help:"Port of the loopback interface to listen on (default: a free one)." placeholder:"N"`
	JSON     bool     `name:"json" help:"Print the environment as JSON, with that of every account."`
}

// Help teaches the verb.
func (simulateCmd) Help() string {
	return `Starts the simulated AWS that generator run deploys to, prints the environment variables with which
every AWS SDK, the AWS CLI and the CDK CLI find it, and stays until it is stopped (Ctrl-C). Its state
folder is that of generator run: what a run deployed is there, and what is deployed here stays for the
next. One of them uses the folder at a time. Accounts and regions are bootstrapped when a deployment
first needs it.

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
	state, err := openState(ctx, c.State, std)
	if err != nil {
		return err
	}
	defer state.close()
	console := newConsole(std.err)
	aws, err := startSimulator(state.aws(), c.address(), c.Accounts, c.Region, console)
	if err != nil {
		return err
	}
	defer aws.close()
	if err := c.print(std.out, aws); err != nil {
		return fault.Writing("standard output", err)
	}
	console.notef("Ctrl-C stops the simulator\n")
	<-ctx.Done()
	console.notef("\nthe simulator is stopped; its state is in %s\n", relative(state.dir))
	return nil
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// complete takes from the configuration what no flag says.
func (c *simulateCmd) complete() error {
	for _, id := range c.Accounts {
		if !accountID.MatchString(id) {
			return fault.Invalidf("--account %q is no account: expected 12 digits", id)
		}
	}
	if len(c.Accounts) > 0 && c.Region != "" {
		return nil
	}
	if _, err := os.Stat(c.Config); errors.Is(err, fs.ErrNotExist) {
		return fault.Invalidf("there is no %s that names accounts and regions", c.Config).
			WithHint("give --account and --region, or go to the folder of the repository")
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return fault.Invalidf("%w", err)
	}
	c.Region = or(c.Region, cfg.Environments[0].Region)
	if len(c.Accounts) > 0 {
		return nil
	}
	for _, env := range cfg.Environments {
		if !slices.Contains(c.Accounts, env.Account) {
			c.Accounts = append(c.Accounts, env.Account)
		}
	}
	return nil
}

// address is where to listen; empty is a free port.
func (c simulateCmd) address() string {
	if c.Port == 0 {
		return ""
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(c.Port)))
}

// print prints the environment of the first account for a shell, or that of all as JSON.
func (c simulateCmd) print(w io.Writer, aws cloud) error {
	if !c.JSON {
		var lines strings.Builder
		for _, entry := range aws.env() {
			fmt.Fprintf(&lines, "export %s\n", entry) // none of the values has a character that a shell would take for its own
		}
		_, err := io.WriteString(w, lines.String())
		return err
	}
	accounts := map[string]map[string]string{}
	for _, id := range c.Accounts {
		accounts[id] = map[string]string{}
		for _, entry := range aws.server.AddAccount(id).Env(aws.url, aws.region) {
			name, value, _ := strings.Cut(entry, "=")
			accounts[id][name] = value
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"url": aws.url, "env": accounts[aws.home], "accounts": accounts})
}
