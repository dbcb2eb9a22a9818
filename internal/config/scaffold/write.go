package scaffold

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Options say what the first configuration is made of. They are the flags of the verb that
// writes it.
type Options struct {
	config.FileFlag // its path in the repository

	App    string `help:"Folder of the CDK app, relative to --source; required if there are several." placeholder:"DIR"`
	Source string `help:"Folder of the repository, or a folder in it." default:"." type:"path" placeholder:"DIR"`
	Stdout bool   `help:"Print the configuration instead of writing the file."`
	Synth  bool   `help:"Synthesize the app and take stacks, accounts and regions from its assembly. The app's packages must be installed."`

	FromConstruct string `help:"Write the configuration that an AphexPipeline construct declares, from the cloud assembly of its app." type:"path" placeholder:"DIR"`
	Construct     string `help:"Path of the construct, if the app has several, such as MyAppPipeline/Pipeline." placeholder:"PATH"`
}

// Help returns the details and examples of the verb.
func (Options) Help() string {
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
func (o Options) Validate() error {
	switch {
	case o.FromConstruct == "" && o.Construct != "":
		return errs.Invalidf("--construct requires --from-construct")
	case o.FromConstruct != "" && (o.Synth || o.App != ""):
		return errs.Invalidf("--from-construct cannot be combined with --synth or --app: it reads a synthesized app")
	}
	return nil
}

// Write inspects the app, which the runner runs for Synth alone, and writes its configuration.
func Write(ctx context.Context, o Options, runner command.Runner, std stdio.Streams) error {
	if o.FromConstruct != "" {
		return o.declared(std)
	}
	name, err := PathIn(o.Source, o.Config)
	if err != nil {
		return err
	}
	app, err := Inspect(o.Source, o.App)
	if err == nil && o.Synth {
		app, err = app.Synthesize(ctx, runner, std.Err)
	}
	if err != nil {
		return err
	}
	app = app.In(o.Config)
	lines := app.Summary(o.Synth)
	if o.Stdout {
		_, err = std.Out.Write(Render(app))
	} else {
		file := filepath.Join(o.Source, name)
		err = Create(file, Render(app))
		lines = append(lines, app.NextStep(o.Source, name, file))
	}
	if err == nil {
		fmt.Fprintln(std.Err, strings.Join(lines, "\n"))
	}
	return err
}

// declared writes the configuration that a construct declares.
func (o Options) declared(std stdio.Streams) error {
	pipeline, err := DeclaredBy(o.FromConstruct, o.Construct)
	if err != nil {
		return err
	}
	if o.Stdout {
		_, err = std.Out.Write(pipeline.Text)
		return err
	}
	file, err := pipeline.Write(o.Source)
	if err == nil {
		fmt.Fprintf(std.Err, "wrote %s, which the construct %s declares; commit it with the app\n", file, pipeline.Construct)
	}
	return err
}
