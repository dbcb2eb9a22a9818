package usage

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Verbs are the verbs of a program that describe it. Its command line embeds them, and binds
// its standard output as an [io.Writer] and its version as a [Version].
type Verbs struct {
	Complete   completeCmd   `cmd:"" hidden:"" help:"Print what can stand at the end of a command line."`
	Completion completionCmd `cmd:"" help:"Print the script that completes command lines in bash, zsh or fish."`
	Manual     manualCmd     `cmd:"" help:"Print the manual page."`
	Version    versionCmd    `cmd:"" help:"Print the version and exit."`
}

// Version is the version of a program.
type Version string

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
func (c completionCmd) Run(out io.Writer, parsed *kong.Context) error {
	script, err := Script(parsed.Model.Name, c.Shell)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, script)
	return err
}

// completeCmd prints what can stand at the end of a command line, for these scripts.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"Words after the program's name; the last is completed."`
}

// Run prints the words.
func (c completeCmd) Run(out io.Writer, parsed *kong.Context) error {
	if len(c.Words) > 0 && c.Words[0] == "--" {
		c.Words = c.Words[1:]
	}
	return Complete(parsed.Model.Node, c.Words).Write(screen.NewStyledWriter(out))
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
func (manualCmd) Run(out io.Writer, parsed *kong.Context, version Version) error {
	_, err := fmt.Fprint(out, Manual(parsed.Model.Node, string(version)))
	return err
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out io.Writer, parsed *kong.Context, version Version) error {
	_, err := fmt.Fprintf(out, "%s %s\n", parsed.Model.Name, version)
	return err
}
