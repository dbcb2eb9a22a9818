package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/scaffold"
)

// initCmd writes a first configuration.
type initCmd struct {
	configFlag
	Source string `help:"Folder of the repository." default:"." type:"path" placeholder:"DIR"`
	Stdout bool   `help:"Print the configuration in place of writing the file."`
}

// Help teaches the verb.
func (initCmd) Help() string {
	return `Looks at the CDK app in the folder (cdk.json, the stacks its source creates, package.json, the git
remote) without running anything of it, and writes a commented configuration that loads as it is.
A file that is already there is never touched.

Examples:

  generator init
  generator init --source services/shop --stdout`
}

// Run inspects the folder and writes the file.
func (c initCmd) Run(std streams) error {
	app, err := scaffold.Inspect(c.Source)
	if err != nil {
		return fault.Invalidf("%w", err).WithHint("a CDK app is a folder with a cdk.json: npx cdk init app --language typescript makes one")
	}
	text := scaffold.Render(app)
	if c.Stdout {
		_, err := std.out.Write(text)
		return err
	}
	path := filepath.Join(c.Source, c.Config)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fault.Invalidf("%s is already there and was not touched", path).WithHint("--stdout prints a new one to compare")
	}
	if err != nil {
		return fault.Invalidf("writing the configuration: %w", err)
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	fmt.Fprintf(std.err, "wrote %s: %d stacks; read it, then: generator run --source %s\n", path, len(app.Stacks), c.Source)
	return nil
}
