// Package serve runs the simulator of AWS alone, for single stages and other tools.
package serve

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

// Options configure the simulator.
type Options struct {
	Config   string   // file with the accounts and the region that are not given
	State    string   // folder of the state, shared with local runs
	Accounts []string // to simulate; the first can deploy to the others
	Region   string   // default region
	Port     uint16   // to listen on, on the loopback interface; 0 is a free one
	JSON     bool     // print the variables of every account as JSON

	Out, Err io.Writer // the environment variables; messages
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
