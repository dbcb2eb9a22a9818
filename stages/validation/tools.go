package validation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
)

// program matches the name of a program to look up in PATH, as opposed to a path,
// a variable or shell syntax.
var program = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

// assignment matches a variable set in front of a command.
var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=\S*$`)

// builtins are keywords and built-in commands of the shell (POSIX.1-2017, 2.9 and
// 2.14, and bash's own).
var builtins = strings.Fields(`alias bg break builtin case cd command continue declare dirs do done echo elif else
	esac eval exec exit export false fc fg fi for function getopts hash if in jobs kill let local mapfile popd printf
	pushd pwd read readarray readonly return select set shift shopt source test then time times trap true type typeset
	ulimit umask unalias unset until wait while`)

// tools checks that the program of each command is in PATH. It finds nothing
// without a shell: the validator's image has no tools and does not run the
// commands, the builder's does. It ignores programs that the npm packages in dir
// may provide.
func tools(lookPath func(string) (string, error), dir string, cfg *config.Config) []Finding {
	if _, err := lookPath("sh"); err != nil {
		return nil
	}
	var found []Finding
	var missing []string
	for _, use := range commandsOf(cfg) {
		name := firstProgram(use.command)
		if name == "" || slices.Contains(missing, name) {
			continue
		}
		if _, err := lookPath(name); err != nil && !cdkapp.MayProvide(dir, name) {
			missing = append(missing, name)
			found = append(found, Finding{
				Severity: Error, Check: "tools", Where: use.where,
				What: fmt.Sprintf("the command %q requires the program %q, which is not in PATH", use.command, name),
				Fix:  "install it, or set an image that contains it (builderImage, testerImage, deployerImage)",
			})
		}
	}
	return found
}

type use struct{ where, command string }

// commandsOf lists all commands of the configuration with their locations.
func commandsOf(cfg *config.Config) []use {
	var uses []use
	add := func(where string, commands []string) {
		for _, command := range commands {
			uses = append(uses, use{where, command})
		}
	}
	add("build.commands", cfg.Build.Commands)
	for _, env := range cfg.Environments {
		add("environment "+env.Name+", hooks.preDeploy", env.Hooks.PreDeploy)
		add("environment "+env.Name+", hooks.postDeploy", env.Hooks.PostDeploy)
		if env.Tests != nil {
			add("environment "+env.Name+", tests.commands", env.Tests.Commands)
		}
	}
	return uses
}

// firstProgram returns the program that a command starts, or "" if that is not
// obvious.
func firstProgram(command string) string {
	for _, word := range strings.Fields(command) {
		if assignment.MatchString(word) {
			continue
		}
		if program.MatchString(word) && !slices.Contains(builtins, word) {
			return word
		}
		return ""
	}
	return ""
}
