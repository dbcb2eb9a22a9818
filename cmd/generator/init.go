package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/scaffold"
)

// initCmd writes a first configuration.
type initCmd struct {
	configFlag
	App    string `help:"Folder of the CDK app, relative to --source, where there are several." placeholder:"DIR"`
	Source string `help:"Folder of the repository, or one in it." default:"." type:"path" placeholder:"DIR"`
	Stdout bool   `help:"Print the configuration in place of writing the file."`
	Synth  bool   `help:"Run the app, whose packages must be installed, and take stacks, accounts and regions from what it makes."`
}

// Help teaches the verb.
func (initCmd) Help() string {
	return `Looks at the CDK app in the folder (cdk.json, the stacks and stages that its source creates in TypeScript,
JavaScript, Python, Java, C# or Go, package managers and their workspaces, the git remote) without running
anything of it, and writes a commented configuration that loads as it is. Paths and build commands are
relative to the top of the repository. Of several apps one has to be chosen; the others are named. Where the
source does not tell the stacks, the file takes them all; --synth runs the app and asks it.
A file that is already there is never touched.

Examples:

  generator init
  generator init --synth
  generator init --app services/shop
  generator init --source services/shop --stdout`
}

// Run inspects the folder and writes the file.
func (c initCmd) Run(ctx context.Context, std streams) error {
	app, err := scaffold.Inspect(c.Source, c.App)
	if err != nil {
		return err
	}
	if c.Synth {
		if app, err = app.Synthesize(ctx, std.err); err != nil {
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

func (c initCmd) path() string { return filepath.Join(c.Source, c.Config) }

// closing says what was found, what was not, and what to do next.
func (c initCmd) closing(app scaffold.App) []string {
	var lines []string
	names := app.Recognised()
	switch {
	case names == nil && !c.Synth:
		lines = append(lines, fmt.Sprintf("no stack was recognised in the source of the CDK app in %s, so the file takes every stack of the app; "+
			"generator init --synth runs the app and asks it", app.Folder))
	case names == nil:
		lines = append(lines, fmt.Sprintf("the CDK app in %s made no stack, so the file takes every one that it may make", app.Folder))
	default:
		lines = append(lines, fmt.Sprintf("the CDK app in %s has %s", app.Folder, scaffold.Listed("stack", names)))
	}
	if app.Others != nil {
		lines = append(lines, fmt.Sprintf("not in the file: %s; generator init --source DIR makes one beside another app", scaffold.Listed("CDK app", app.Others)))
	}
	if !c.Stdout {
		next := "generator run --source " + c.Source
		if c.Config != "aphex-config.yaml" {
			next += " -c " + c.Config
		}
		lines = append(lines, fmt.Sprintf("wrote %s; read it, commit it, then: %s", c.path(), next))
	}
	return lines
}
