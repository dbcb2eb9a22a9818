package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/usage"
)

// completionCmd prints the script by which a shell completes command lines.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help returns the details and examples of the verb.
func (completionCmd) Help() string {
	return `Prints a script that completes verbs, flags, their values and files. "make install" puts it where each shell
finds it.

Examples:

  source <(generator completion bash)       # in ~/.bashrc
  source <(generator completion zsh)        # in ~/.zshrc, after compinit
  generator completion fish | source        # in ~/.config/fish/config.fish`
}

// Run prints the script.
func (c completionCmd) Run(std rawStreams) error {
	script, err := usage.Script("generator", c.Shell)
	if err != nil {
		return err
	}
	_, err = io.WriteString(std.out, script)
	return err
}

// completeCmd prints what can stand at the end of a command line, for these scripts.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"Words after the program's name; the last is completed."`
}

// Run prints the words.
func (c completeCmd) Run(std streams, parsed *kong.Context) error {
	if len(c.Words) > 0 && c.Words[0] == "--" {
		c.Words = c.Words[1:]
	}
	return usage.Complete(parsed.Model.Node, c.Words).Write(std.out)
}

// manualCmd prints the manual page.
type manualCmd struct{}

// Help returns an example of the verb.
func (manualCmd) Help() string {
	return `The page describes all verbs, in the format of man(1).

Example:

  generator manual | man -l -`
}

// Run prints the page.
func (manualCmd) Run(std rawStreams, parsed *kong.Context) error {
	_, err := fmt.Fprint(std.out, usage.Manual(parsed.Model.Node, stage.Version()))
	return err
}
