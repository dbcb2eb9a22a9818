package synth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// cliVersion is the CDK CLI whose behaviour this package implements; apps receive it.
const cliVersion = "2.1148.1"

// Options are how to synthesize an app.
type Options struct {
	Runner command.Runner // runs the app and the CDK CLI
	// Place returns the path at which the commands have a file of ours, such as App; nil is that of Runner.
	Place    func(path string) string
	App      string           // folder with the cdk.json
	Top      string           // root folder of the workspace; empty is App
	Name     string           // display name of the app's folder; empty is App
	Out      string           // exclusive folder for the assembly; emptied first
	Account  string           // passed to the app as CDK_DEFAULT_ACCOUNT
	Region   string           // passed to the app as CDK_DEFAULT_REGION
	Env      []string         // environment of the command, as from os.Environ
	Context  map[string]any   // overrides the context in the app's files
	Lookups  bool             // let the CDK CLI look up missing context
	Limit    time.Duration    // timeout of the command; 0 is none
	Redactor *redact.Redactor // masks the output; nil masks well-known patterns only
	Output   io.Writer        // receives the output of the commands; may be nil
	Log      *slog.Logger
}

// Synthesize runs the app and reads its assembly. It does not validate the
// templates, which takes far longer; Validate does. Errors of the app have kind
// Failed, errors in its files and in the assembly Invalid.
func Synthesize(ctx context.Context, o Options) (*assembly.Assembly, error) {
	out, err := o.prepareOut()
	if err != nil {
		return nil, err
	}
	dir, err := o.run(ctx, out, nil, "CDK_VALIDATION=false")
	if err != nil {
		return nil, err
	}
	a, err := o.read(dir)
	if err != nil || len(a.Missing) == 0 {
		return a, err
	}
	return o.lookUp(ctx, out, a.Missing)
}

func (o Options) prepareOut() (string, error) {
	if err := remove.All(o.Out); err != nil {
		return "", fmt.Errorf("emptying the folder for the cloud assembly: %w", err)
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return "", errs.Writing(o.Out, err)
	}
	return filepath.Abs(o.Out)
}

// run runs the app once and returns the folder of the assembly, which is out
// unless cdk.json has a folder instead of a command.
func (o Options) run(ctx context.Context, out string, more map[string]any, variables ...string) (string, error) {
	project, user, err := o.readSettings(ctx)
	if err != nil {
		return "", fmt.Errorf("the CDK app in %s: %w", o.name(), err)
	}
	if err := project.checkCommand(o.App); err != nil {
		return "", err
	}
	if dir := from(o.App, string(project.App)); isFolder(dir) {
		return dir, nil
	}
	if err := o.Runner.Send(ctx, out); err != nil { // empty
		return "", err
	}
	scratch, err := os.MkdirTemp("", "cdk-context-")
	if err != nil {
		return "", errs.Writing(os.TempDir(), err)
	}
	defer remove.All(scratch)
	context, err := appContext(o.top(), o.App, project, user, o.Context)
	if err != nil {
		return "", fmt.Errorf("the CDK app in %s: %w", o.name(), err)
	}
	merge(context, more)
	env := o.environment(out, o.place(filepath.Join(scratch, "error.txt")), append(project.debugging(o.Env), variables...))
	carried, err := contextVariables(context, size(env), scratch, o.place)
	if err != nil {
		return "", err
	}
	env = append(env, carried...)
	if err := o.Runner.Send(ctx, scratch); err != nil {
		return "", err
	}
	if project.Build != "" {
		if err := o.shell(ctx, project.Build, env, "the build command in cdk.json", scratch); err != nil {
			return "", err
		}
	}
	if err := o.shell(ctx, o.commandLine(string(project.App)), env, "the CDK app", scratch); err != nil {
		return "", err
	}
	return out, o.fetch(ctx, out)
}

// fetch takes a file or folder back from where the commands have it; nothing there is nothing here.
func (o Options) fetch(ctx context.Context, path string) error {
	_, err := o.Runner.Fetch(ctx, o.place(path), path, command.Selection{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// place returns the path at which the commands have a file of ours.
func (o Options) place(path string) string {
	if o.Place != nil {
		return o.Place(path)
	}
	return o.Runner.Place(path)
}

// environment returns the variables of the command without the context. It removes
// the variables of a CDK CLI that runs us.
func (o Options) environment(out, errorFile string, variables []string) []string {
	env := slices.DeleteFunc(cdkapp.Environ(o.place(o.top()), o.place(o.App), o.Env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"CDK_CONTEXT_JSON", "CONTEXT_OVERFLOW_LOCATION_ENV", "CDK_VALIDATION"}, name)
	})
	if lookup(env, "PYTHONIOENCODING") == "" {
		env = append(env, "PYTHONIOENCODING=utf-8")
	}
	env = append(env,
		"CDK_OUTDIR="+o.place(out),
		"CDK_CLI_ASM_VERSION="+fmt.Sprint(assembly.Schema)+".0.0",
		"CDK_CLI_VERSION="+cliVersion,
		"CDK_ERROR_FILE="+errorFile)
	if o.Account != "" {
		env = append(env, "CDK_DEFAULT_ACCOUNT="+o.Account)
	}
	if o.Region != "" {
		env = append(env, "CDK_DEFAULT_REGION="+o.Region)
	}
	return append(env, variables...)
}

// shell runs a line in the folder of the app, with a folder of ours for the file in which it names its error.
func (o Options) shell(ctx context.Context, line string, env []string, what, scratch string) error {
	said, err := o.execute(ctx, command.Shell(o.Runner, line), env)
	if err == nil {
		return nil
	}
	file, fetchErr := o.Runner.Fetch(ctx, lookup(env, "CDK_ERROR_FILE"), filepath.Join(scratch, "error.txt"), command.Selection{})
	if fetchErr != nil {
		file = "" // there is none
	}
	return explain(ctx, err, what, line, o.name(), said, o.Redactor.String(firstLine(file)))
}

// execute runs a command in the app's folder, and returns the end of its masked output.
func (o Options) execute(ctx context.Context, args, env []string) (*command.Tail, error) {
	said := &command.Tail{}
	output := o.Redactor.Writer(io.MultiWriter(orDiscard(o.Output), said))
	err := o.Runner.Run(ctx, command.Command{Args: args, Dir: o.place(o.App), Env: env, Limit: o.Limit, Stdout: output, Stderr: output})
	return said, errors.Join(err, output.Close())
}

// read reads the assembly and adds hints to errors. Errors do not name the folder,
// which is temporary.
func (o Options) read(dir string) (*assembly.Assembly, error) {
	if _, err := os.Stat(filepath.Join(dir, assembly.ManifestFile)); err != nil {
		return nil, errs.Failedf("the CDK app in %s succeeded but wrote no cloud assembly", o.name()).
			WithHint("the app must call app.synth() and must not set its own outdir")
	}
	a, err := assembly.Read(dir)
	if err != nil {
		return nil, errs.Invalidf("the cloud assembly of the CDK app in %s: %w", o.name(), err).WithHint("%s", hintOf(err))
	}
	return a, nil
}

func (o Options) top() string { return cmp.Or(o.Top, o.App) }

func (o Options) name() string { return cmp.Or(o.Name, o.App) }

func lookup(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

func size(env []string) (bytes int) {
	for _, entry := range env {
		bytes += len(entry)
	}
	return bytes
}

// from resolves a path relative to dir.
func from(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
