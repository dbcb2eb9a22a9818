package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Test an environment after its deployment.

Runs the environment's test commands in order, in the built workspace.
STACK_OUTPUTS names a file with the stack outputs as {stack: {key: value}},
STACK_OUTPUTS_DETAILED one with their descriptions and export names as well.
The commands have credentials of the environment's account. JUnit XML files are
collected; the report and the log are stored in the artifact bucket.

Examples, on a plain folder:

  tester --source . --environment dev --commit $(git rev-parse HEAD) --outputs-file outputs.json
  tester --artifact-dir ./built --environment dev --commit $(git rev-parse HEAD)
`

// Input is the input of the stage.
type Input struct {
	Environment string `help:"Name of the environment to test." required:""`
	bucket.Workspace
	Branch       string        `help:"Branch of the commit."`
	Config       string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest string        `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	OutputsFile  string        `help:"File with stack outputs, written by deployer --detailed-outputs-file or --named-outputs-file, instead of those in the bucket." type:"path" placeholder:"FILE"`
	Limit        time.Duration `help:"Time limit for each command without a timeout in the configuration." default:"1h"`
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	if err := in.Workspace.Validate(); err != nil {
		return err
	}
	return checkout.CheckCommit(in.Commit)
}

// Output is the output of the stage.
type Output struct {
	Report string `output:"report" help:"Key of the report in the bucket; empty without a bucket."`
	Totals Totals `output:"totals" help:"Test cases that the JUnit reports count, as JSON."`

	details *stage.Details
}

// Details returns what only the record of the tests has.
func (o Output) Details() *stage.Details { return o.details }

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("tester") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Runner runs the tests.
	Runner command.Runner
	// Bucket has the artifact and the stack outputs, and stores report and log; it may be nil.
	Bucket bucket.Bucket
	// Assume assumes access to the environment's account and serves its credentials:
	// it returns environment variables for the commands, and a function to call when
	// they have ended.
	Assume func(ctx context.Context, frame stage.Frame, env config.Environment) (environ []string, done func(), err error)
	// Secrets reads the secrets of a key of the configuration, and returns their variables.
	Secrets func(ctx context.Context, mask *redact.Redactor, key string, secrets map[string]config.Secret) ([]string, error)
}

// Document is the report of a test stage.
type Document struct {
	Environment string                   `json:"environment"`
	Commit      string                   `json:"commit"`
	Started     time.Time                `json:"started"`
	Ended       time.Time                `json:"ended"`
	Passed      bool                     `json:"passed"`
	Commands    []checkout.CommandResult `json:"commands"`
	Totals      Totals                   `json:"totals"`
	Reports     []Report                 `json:"reports"`
}

// Run tests the environment. It stores the report whether the tests pass or fail.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	scratch, err := checkout.Scratch("test-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	at, cfg, err := d.workspace(ctx, frame, in, scratch)
	if err != nil {
		return Output{}, err
	}
	env, found, err := environment(cfg, in, frame.Workflow == "")
	if err != nil || !found {
		if err == nil {
			frame.Log.Warn("this commit's configuration does not have the environment, or no tests for it; nothing to test",
				"environment", in.Environment)
		}
		return Output{}, err
	}
	return d.test(ctx, frame, in, env, at)
}

// workspace finds the workspace where the deployment of the same pod has sent it, or
// fetches and sends it, and reads its configuration. That is the artifact's in any case:
// hooks can change files of the workspace.
func (d Deps) workspace(ctx context.Context, frame stage.Frame, in Input, scratch string) (at folders, cfg *config.Config, err error) {
	at.scratch = scratch
	if sent, found := frame.Commands.Workspace(in.Digest, in.Config); found {
		frame.Log.Info("using the workspace of the deployment", "key", in.Artifact)
		at.workspace = sent.Path
		cfg, err = config.ParseCommitted(in.Config, sent.Source, in.ConfigDigest)
		return at, cfg, invalid(err)
	}
	if at.workspace, err = in.Hand(ctx, d.Bucket, d.Runner, frame.Log, filepath.Join(scratch, "workspace")); err != nil {
		return at, nil, err
	}
	cfg, err = config.LoadCommitted(at.workspace, in.Config, in.ConfigDigest)
	return at, cfg, invalid(err)
}

func invalid(err error) error {
	if err == nil {
		return nil
	}
	return errs.Invalidf("%w", err)
}

// environment returns the environment of the commit's configuration. In a run it
// may be absent, as a run keeps the topology it started with; in a local call its
// absence is an error.
func environment(cfg *config.Config, in Input, byHand bool) (config.Environment, bool, error) {
	env, found := cfg.Environment(in.Environment)
	if !found && byHand {
		return config.Environment{}, false, errs.Invalidf("%w", cfg.NoEnvironment(in.Environment))
	}
	return env, found && env.Tests != nil, nil
}

// folders are the working folders of the stage.
type folders struct{ workspace, scratch string }

// test runs the commands and stores their results.
func (d Deps) test(ctx context.Context, frame stage.Frame, in Input, env config.Environment, at folders) (Output, error) {
	environ, leave, err := d.Assume(ctx, frame, env)
	if err != nil {
		return Output{}, err
	}
	defer leave()
	variables, err := d.variables(ctx, frame, in, env, at.scratch)
	if err != nil {
		return Output{}, err
	}
	if secrets := env.Tests.Secrets; len(secrets) > 0 {
		values, err := d.Secrets(ctx, frame.Redactor, "environment "+env.Name+", tests.secrets", secrets)
		if err != nil {
			return Output{}, err
		}
		variables = append(variables, values...)
	}
	document := Document{Environment: env.Name, Commit: in.Commit, Started: time.Now().UTC()}
	var log bytes.Buffer
	document.Commands, err = checkout.RunCommands(ctx, env.Tests.Commands, checkout.ExecOptions{
		Runner: d.Runner, Dir: d.Runner.Place(at.workspace), Env: append(environ, variables...), Limit: in.Limit, Redactor: frame.Redactor,
		Timeout: checkout.Timeout{Key: "tests.timeout", Of: env.Tests.Timeout.Duration()},
		Memory:  config.CommandsMemory,
		Out:     io.MultiWriter(frame.Out, &bounded{w: &log, left: maxLogBytes}),
	})
	document.Ended = time.Now().UTC()
	written := at.workspace
	if !errors.Is(err, command.ErrGone) { // and its files with it
		var collectErr error
		if document.Reports, written, collectErr = d.reports(ctx, at, document.Started, frame.Redactor.String); collectErr != nil {
			return Output{}, fmt.Errorf("collecting the test reports: %w", collectErr)
		}
	}
	err = document.verdict(err, env.Tests.AllowFailures, frame)
	out, keepErr := d.keep(ctx, frame, in, &document, written, log.Bytes())
	if err == nil {
		err = keepErr
	}
	return out, err
}

// reports returns the JUnit reports that the tests wrote since a time, those of
// cancelled tests too, and the folder that they are in.
func (d Deps) reports(ctx context.Context, at folders, since time.Time, mask func(string) string) ([]Report, string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	dir, err := d.Runner.Fetch(ctx, d.Runner.Place(at.workspace), filepath.Join(at.scratch, "reports"),
		command.Selection{Without: notSearched, Only: []string{"*.xml"}})
	if err != nil {
		return nil, "", err
	}
	reports, err := collect(dir, since, mask)
	return reports, dir, err
}

// verdict counts the results in the reports, and returns an error if tests failed,
// even if the command exited with 0.
func (d *Document) verdict(err error, allowFailures bool, frame stage.Frame) error {
	var failed []string
	for _, report := range d.Reports {
		d.Totals.add(report.Totals)
		for i, name := range report.Failed {
			report.Failed[i] = frame.Redactor.String(name)
		}
		failed = append(failed, report.Failed...)
	}
	broken := d.Totals.Failures + d.Totals.Errors
	d.Passed = err == nil && broken == 0
	names := strings.Join(failed[:min(len(failed), shownTests)], ", ")
	if more := broken - shownTests; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	switch {
	case broken == 0:
		return err
	case err != nil:
		return fmt.Errorf("%d of %d tests failed (%s): %w", broken, d.Totals.Tests, names, err)
	case allowFailures:
		frame.Log.Warn("tests failed; the run continues because of tests.allowFailures", "failed", names)
		return nil
	}
	return errs.Failedf("%d of %d tests failed (%s)", broken, d.Totals.Tests, names).
		WithHint("the commands exited with 0, but their reports contain failures; to continue anyway, set tests.allowFailures: true in %s", config.File)
}

// shownTests limits the failed tests named in the error.
const shownTests = 10

// variables writes the stack outputs to files and returns the variables for them.
func (d Deps) variables(ctx context.Context, frame stage.Frame, in Input, env config.Environment, scratch string) ([]string, error) {
	data, err := d.outputs(ctx, in)
	if err != nil {
		return nil, err
	}
	outputs, err := cmdenv.Parse(data)
	if err != nil {
		return nil, errs.Invalidf("reading the stack outputs: %w", err)
	}
	for _, line := range outputs.Collisions() {
		frame.Log.Warn(line)
	}
	return cmdenv.Environment{
		Own: append(env.Variables(), config.Variables(env.Tests.Env)...), Name: env.Name, Account: env.Account, Region: env.Region, Commit: in.Commit, Branch: in.Branch, Outputs: outputs,
	}.Write(ctx, d.Runner, scratch)
}

// maxOutputs bounds in bytes a file of stack outputs.
const maxOutputs = 64 << 20

func (d Deps) outputs(ctx context.Context, in Input) ([]byte, error) {
	switch {
	case in.OutputsFile != "":
		data, err := limits.ReadFile(in.OutputsFile, maxOutputs)
		if err != nil {
			return nil, errs.Invalidf("reading the stack outputs: %w", err)
		}
		return data, nil
	case d.Bucket != nil:
		data, err := d.Bucket.Get(ctx, bucket.DetailedOutputsKey(in.Commit, in.Environment))
		if errors.Is(err, fs.ErrNotExist) {
			break // never deployed by the pipeline
		}
		if err != nil {
			return nil, fmt.Errorf("reading the stack outputs: %w", err)
		}
		return data, nil
	}
	return []byte("{}"), nil
}

// keep stores the report and the log.
func (d Deps) keep(ctx context.Context, frame stage.Frame, in Input, document *Document, dir string, log []byte) (Output, error) {
	frame.Log.Info("tested", "environment", in.Environment, "passed", document.Passed, "tests", document.Totals.Tests,
		"failures", document.Totals.Failures+document.Totals.Errors, "skipped", document.Totals.Skipped)
	out := Output{Totals: document.Totals, details: document.details()}
	if d.Bucket == nil {
		return out, nil
	}
	// The results of a cancelled test are stored as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	out.Report = bucket.TestReportKey(in.Commit, in.Environment)
	return out, d.store(ctx, *document, dir, log, frame.Redactor)
}

// details returns the tests that failed, the first of them.
func (d *Document) details() *stage.Details {
	t := &stage.TestDetails{Tests: d.Totals.Tests, Broken: d.Totals.Failures + d.Totals.Errors, Skipped: d.Totals.Skipped}
	for _, report := range d.Reports {
		t.Failed = append(t.Failed, report.Failed...)
	}
	t.Failed = t.Failed[:min(len(t.Failed), maxFailed)]
	return &stage.Details{Tests: t}
}

// store stores reports, log and document. Reports are masked like the log, as
// tests may print secrets.
func (d Deps) store(ctx context.Context, document Document, dir string, log []byte, mask *redact.Redactor) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the workspace: %w", err)
	}
	defer root.Close()
	for _, report := range document.Reports {
		data, err := limits.ReadFileIn(root, report.Path, maxReportBytes)
		if err != nil {
			return fmt.Errorf("reading the test report %q: %w", report.Path, err)
		}
		if err := d.Bucket.Put(ctx, bucket.JUnitKey(document.Commit, document.Environment, report.Path), []byte(mask.String(string(data)))); err != nil {
			return fmt.Errorf("storing the test report %q: %w", report.Path, err)
		}
	}
	if err := d.Bucket.Put(ctx, bucket.TestLogKey(document.Commit, document.Environment), log); err != nil {
		return fmt.Errorf("storing the log of the tests: %w", err)
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report of the tests: %w", err)
	}
	return d.Bucket.Put(ctx, bucket.TestReportKey(document.Commit, document.Environment), data)
}
