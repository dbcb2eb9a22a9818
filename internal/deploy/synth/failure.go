package synth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// errorLine matches the errors of Node.js, Python, Java and .NET.
var errorLine = regexp.MustCompile(`^\s*(?:Exception in thread "[^"]*" |Unhandled exception\. )?((?:[\w.]*(?:Error|Exception|Failure))(?: \[\w+\])?: .+)$`)

// forms match the error messages of programs. A line that ends with a colon only
// introduces the next ones.
var forms = []*regexp.Regexp{
	regexp.MustCompile(`^\[?«\w+» (.+)$`),                       // aws-cdk-lib
	regexp.MustCompile(`^((?:\S.*\b)?error TS\d+: .+)$`),        // the TypeScript compiler, alone or in ts-node
	regexp.MustCompile(`^(\S.*:\d+:\d+: (?:ERROR|error): .+)$`), // esbuild in tsx, and C-like compilers
	regexp.MustCompile(`^npm (?:error|ERR!) (.+)$`),
	errorLine,
}

// npmNoise matches what npm prints around its error.
var npmNoise = regexp.MustCompile(`^npm (?:error|ERR!)(?: (?:code|errno|syscall|path|dest|file|cwd|command) .*| A complete log .*)?$`)

// explain returns the error for a failed command, with the app's own error message.
func explain(ctx context.Context, err error, what, line, dir string, output *command.Tail, code string) error {
	var exit *command.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("running %s: %w", what, err)
	case !errors.As(err, &exit):
		return errs.Failedf("running %s (%q in %s): %w", what, line, dir, err)
	}
	said := errorMessage(output.String())
	if code != "" {
		said = strings.TrimSuffix(code+": "+said, ": ")
	}
	if said == "" {
		said = "it printed no error"
	}
	failed := &errs.Error{Kind: errs.Failed, Message: fmt.Sprintf("%s failed (exit code %d): %s", what, exit.Code, said), Err: err}
	if exit.Killed() {
		return failed.WithHint("it was killed, as happens when the memory of its pod or machine is used up (in a pod, the container commands has %s)", config.CommandsMemory)
	}
	if exit.Code == 127 {
		return failed.WithHint("%q was not found in %s: check that the build commands install it", line, dir)
	}
	if found := noDocker.FindStringSubmatch(output.String()); found != nil {
		return failed.WithHint("the app bundles an asset in a container, and there is no program %q here: bundle it in a build command and give the asset that folder, "+
			"add esbuild to package.json for a NodejsFunction, or give the bundling a `local` one", found[1])
	}
	hint := cmp.Or(missingPackage(output.String()), command.Advice(output.String()), fmt.Sprintf("run %q in %s to see the same error", line, dir))
	if last := output.Last(); strings.Contains(last, "\n") { // more than the error itself
		failed.Message += command.Quoted(last)
	}
	return failed.WithHint("%s", hint)
}

// noPackage matches how Node.js, npx and Python name a package that is not installed.
var noPackage = regexp.MustCompile(`Cannot find (?:module|package) '([^'./\\][^']*)'|\bModuleNotFoundError: No module named '([^']+)'|` +
	`\bnpx canceled due to missing packages and no YES option: \["(@?[^"@]+)`)

// missingPackage returns a hint for an app that lacks a package, "" for others. A person
// who runs it has their own packages there, and does not see the error.
func missingPackage(output string) string {
	found := noPackage.FindStringSubmatch(output)
	if found == nil {
		return ""
	}
	return fmt.Sprintf("package %q is not where the app ran, which has the files of the commit and what the build commands add: have one of build.commands install it, such as npm ci",
		cmp.Or(found[1:]...))
}

// noDocker matches how Node.js says that a program for containers does not exist, which
// aws-cdk-lib starts to bundle assets.
var noDocker = regexp.MustCompile(`\bspawnSync ((?:\S*/)?(?:docker|podman|finch|nerdctl)) ENOENT\b`)

// errorMessage returns the error message in a program's output.
func errorMessage(output string) string {
	last := ""
	for text := range strings.Lines(output) {
		text = strings.TrimSpace(escapes.ReplaceAllString(text, ""))
		if text == "" || npmNoise.MatchString(text) {
			continue
		}
		last = text
		for _, form := range forms {
			if found := form.FindStringSubmatch(text); found != nil && !strings.HasSuffix(text, ":") {
				return shorten(found[1])
			}
		}
	}
	return shorten(last)
}

// escapes matches text styles of a terminal.
var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func shorten(text string) string {
	const most = 500
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// maxErrorFile bounds in bytes what an app may write about its error.
const maxErrorFile = 1 << 20

// firstLine reads the error code that the app wrote to CDK_ERROR_FILE.
func firstLine(file string) string {
	src, err := limits.ReadFile(file, maxErrorFile)
	if err != nil {
		return "" // older versions of aws-cdk-lib write none
	}
	line, _, _ := strings.Cut(string(src), "\n")
	return strings.TrimSpace(line)
}

func hintOf(err error) string {
	var typed *assembly.Error
	if errors.As(err, &typed) {
		return typed.Hint
	}
	return ""
}
