package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// initCmd writes a first configuration.
type initCmd struct {
	configFlag
	App    string `help:"Folder of the CDK app, relative to --source; required if there are several." placeholder:"DIR"`
	Source string `help:"Folder of the repository, or a folder in it." default:"." type:"path" placeholder:"DIR"`
	Stdout bool   `help:"Print the configuration instead of writing the file."`
	Synth  bool   `help:"Synthesize the app and take stacks, accounts and regions from its assembly. The app's packages must be installed."`

	FromConstruct string `help:"Write the configuration that an AphexPipeline construct declares, from the cloud assembly of its app." type:"path" placeholder:"DIR"`
	Construct     string `help:"Path of the construct, if the app has several, such as MyAppPipeline/Pipeline." placeholder:"PATH"`
}

// Help returns the details and examples of the verb.
func (initCmd) Help() string {
	return `Reads the CDK app in the folder (cdk.json, the stacks and stages that its source creates in TypeScript,
JavaScript, Python, Java, C# or Go, package managers and their workspaces, the git remote) without running
any of it, and writes a valid, commented configuration. Paths and build commands are relative to the top of
the repository. If there are several apps, choose one with --app. If no stack is recognized in the source,
the configuration selects all stacks; --synth runs the app and lists them.
An existing file is never overwritten.

With --from-construct, the configuration is that of an AphexPipeline construct, and its configPath is written:
an existing file is replaced, as the construct declares it.

Examples:

  generator init
  generator init --synth
  generator init --app services/shop
  generator init --source services/shop --stdout
  cdk synth && generator init --from-construct cdk.out`
}

// Validate refuses flags that go with another source of the configuration.
func (c initCmd) Validate() error {
	switch {
	case c.FromConstruct == "" && c.Construct != "":
		return errs.Invalidf("--construct requires --from-construct")
	case c.FromConstruct != "" && (c.Synth || c.App != ""):
		return errs.Invalidf("--from-construct cannot be combined with --synth or --app: it reads a synthesized app")
	}
	return nil
}

// Run inspects the folder and writes the file.
func (c initCmd) Run(ctx context.Context, std streams) error {
	if c.FromConstruct != "" {
		return c.declared(std)
	}
	var err error
	if c.Config, err = scaffold.PathIn(c.Source, c.Config); err != nil {
		return err
	}
	app, err := scaffold.Inspect(c.Source, c.App)
	if err != nil {
		return err
	}
	if c.Synth {
		if app, err = app.Synthesize(ctx, proc.Runner{}, std.err); err != nil {
			return err
		}
	}
	if c.Stdout {
		_, err = std.out.Write(scaffold.Render(app))
	} else {
		err = scaffold.Create(c.path(), scaffold.Render(app))
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(std.err, strings.Join(c.closing(app), "\n"))
	return nil
}

// declared writes the configuration that a construct declares.
func (c initCmd) declared(std streams) error {
	all, err := scaffold.DeclaredIn(c.FromConstruct)
	if err != nil {
		return err
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Construct)
	}
	at := slices.Index(names, c.Construct)
	switch {
	case c.Construct == "" && len(all) == 1:
		at = 0
	case c.Construct == "":
		return errs.Invalidf("the app has %s", scaffold.Listed("AphexPipeline construct", names)).WithHint("select one with --construct")
	case at < 0:
		return errs.Invalidf("the app has no AphexPipeline construct %q: it has %s", c.Construct, strings.Join(names, ", "))
	}
	if c.Stdout {
		_, err = std.out.Write(all[at].Text)
		return err
	}
	file, err := all[at].Write(c.Source)
	if err == nil {
		fmt.Fprintf(std.err, "wrote %s, which the construct %s declares; commit it with the app\n", file, all[at].Construct)
	}
	return err
}

func (c initCmd) path() string { return filepath.Join(c.Source, c.Config) }

// closing returns the last lines of output: what was found, what was not, and the next command.
func (c initCmd) closing(app scaffold.App) []string {
	var lines []string
	names := app.Recognised()
	switch {
	case names == nil && !c.Synth:
		lines = append(lines, fmt.Sprintf("no stack was recognized in the source of the CDK app in %s, so the file selects every stack of the app; "+
			"generator init --synth runs the app and lists them", app.Folder))
	case names == nil:
		lines = append(lines, fmt.Sprintf("the CDK app in %s has no stack, so the file selects every stack", app.Folder))
	default:
		lines = append(lines, fmt.Sprintf("the CDK app in %s has %s", app.Folder, scaffold.Listed("stack", names)))
	}
	if app.Others != nil {
		lines = append(lines, fmt.Sprintf("not in the file: %s; for another app run generator init --source DIR", scaffold.Listed("CDK app", app.Others)))
	}
	commit := "commit it"
	if app.Uncommitted != nil {
		lines = append(lines, "not committed yet, and a run builds a commit: "+scaffold.Listed("file", app.Uncommitted))
		commit = "commit it with them"
	}
	if !c.Stdout {
		next := "generator run --source " + c.Source
		if c.Config != "aphex-config.yaml" {
			next += " -c " + c.Config
		}
		lines = append(lines, fmt.Sprintf("wrote %s; review it, %s, then run: %s", c.path(), commit, next))
	}
	return lines
}
