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
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Test an environment after its deployment.

Runs the environment's test commands in order, in the workspace that was built.
They find the stack outputs in the file that STACK_OUTPUTS names, as
{stack: {key: value}}, with descriptions and export names in the file that
STACK_OUTPUTS_DETAILED names, and credentials of the environment's account. JUnit
XML that they leave is gathered; the report and the log go to the artifact bucket.

Examples, on a plain folder:

  tester --source . --environment dev --commit $(git rev-parse HEAD) --outputs-file outputs.json
  tester --artifact-dir ./built --environment dev --commit $(git rev-parse HEAD)
`

// Input is what the stage is given.
type Input struct {
	Environment string        `help:"Name of the environment to test." required:""`
	Commit      string        `help:"Full commit SHA that was deployed." required:""`
	Branch      string        `help:"Branch of the commit."`
	Config      string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Bucket      string        `help:"Artifact bucket, which gets report and log."`
	Artifact    string        `help:"Key of the built workspace in the bucket."`
	Digest      string        `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source      string        `help:"Folder to use in place of an artifact." type:"path" placeholder:"DIR"`
	ArtifactDir string        `help:"Folder that has the artifact, in place of a bucket; it gets report and log." type:"path" placeholder:"DIR"`
	OutputsFile string        `help:"File with stack outputs, as --detailed-outputs-file or --named-outputs-file of the deployer writes it, in place of those that the deployment stored in the bucket." type:"path" placeholder:"FILE"`
	Limit       time.Duration `help:"How long one command may run." default:"1h"`
}

// Validate refuses an input that names no workspace, or two.
func (in Input) Validate() error {
	if err := in.built().Validate(); err != nil {
		return err
	}
	return checkout.CheckCommit(in.Commit)
}

// built is the workspace that the flags name.
func (in Input) built() bucket.Workspace {
	return bucket.Workspace{
		Source: in.Source, Artifact: in.Artifact, Digest: in.Digest, Bucket: in.Bucket, ArtifactDir: in.ArtifactDir, Commit: in.Commit,
	}
}

// Output is what the stage leaves.
type Output struct {
	Report string `output:"report" help:"Key of the report in the bucket; empty without a bucket."`
	Totals Totals `output:"totals" help:"Test cases that the JUnit reports count, as JSON."`
}

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("tester") }

// Deps are what the stage works with.
type Deps struct {
	// Runner runs the tests.
	Runner command.Runner
	// Bucket has the artifact and the stack outputs, and gets report and log; nil is none.
	Bucket bucket.Bucket
	// Enter enters the environment's account and lends its credentials: it gives
	// the environment of the commands, and what to call when they have ended.
	Enter func(ctx context.Context, frame stage.Frame, env config.Environment) (environ []string, done func(), err error)
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

// Run tests the environment. The report is kept whatever the tests say.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	scratch, err := checkout.Scratch("test-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	dir, err := in.built().Fetch(ctx, d.Bucket, frame.Log, filepath.Join(scratch, "workspace"))
	if err != nil {
		return Output{}, err
	}
	env, found, err := environment(dir, in, frame.Workflow == "")
	if err != nil || !found {
		if err == nil {
			frame.Log.Warn("the configuration of this commit has no such environment, or no tests for it; nothing is tested",
				"environment", in.Environment)
		}
		return Output{}, err
	}
	return d.test(ctx, frame, in, env, folders{dir, scratch})
}

// environment finds the environment in the configuration of the commit. A run
// keeps the topology it started with, so the commit may have dropped it; whoever
// calls the stage by hand has misspelt it.
func environment(dir string, in Input, byHand bool) (config.Environment, bool, error) {
	cfg, err := config.Load(filepath.Join(dir, filepath.FromSlash(in.Config)))
	if err != nil {
		return config.Environment{}, false, errs.Invalidf("%w", err)
	}
	env, found := cfg.Environment(in.Environment)
	if !found && byHand {
		return config.Environment{}, false, errs.Invalidf("%w", cfg.NoEnvironment(in.Environment))
	}
	return env, found && env.Tests != nil, nil
}

// folders are where the stage works.
type folders struct{ workspace, scratch string }

// test runs the commands and keeps what they leave.
func (d Deps) test(ctx context.Context, frame stage.Frame, in Input, env config.Environment, at folders) (Output, error) {
	environ, leave, err := d.Enter(ctx, frame, env)
	if err != nil {
		return Output{}, err
	}
	defer leave()
	variables, err := d.variables(ctx, frame, in, env, at.scratch)
	if err != nil {
		return Output{}, err
	}
	document := Document{Environment: env.Name, Commit: in.Commit, Started: time.Now().UTC()}
	var log bytes.Buffer
	document.Commands, err = checkout.RunCommands(ctx, env.Tests.Commands, checkout.ExecOptions{
		Runner: d.Runner, Dir: at.workspace, Env: append(environ, variables...), Limit: in.Limit, Redactor: frame.Redactor,
		Out: io.MultiWriter(frame.Out, &bounded{w: &log, left: maxLogBytes}),
	})
	document.Ended = time.Now().UTC()
	reports, gatherErr := gather(at.workspace, document.Started)
	if gatherErr != nil {
		return Output{}, fmt.Errorf("gathering the test reports: %w", gatherErr)
	}
	document.Reports = reports
	err = document.judge(err, env.Tests.AllowFailures, frame)
	out, keepErr := d.keep(ctx, frame, in, &document, at.workspace, log.Bytes())
	if err == nil {
		err = keepErr
	}
	return out, err
}

// judge counts what the reports hold, and says whether the tests passed: a
// command that exits with 0 although tests failed has not tested anything.
func (d *Document) judge(err error, allowFailures bool, frame stage.Frame) error {
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
		return fmt.Errorf("%d of %d tests failed: %s: %w", broken, d.Totals.Tests, names, err)
	case allowFailures:
		frame.Log.Warn("tests failed, and tests.allowFailures lets the run go on", "failed", names)
		return nil
	}
	return errs.Failedf("%d of %d tests failed: %s", broken, d.Totals.Tests, names).
		WithHint("the commands exit with 0 although their reports hold failures; tests.allowFailures: true in %s lets such a run go on", config.File)
}

// shownTests is how many failed tests the cause of a failed run names.
const shownTests = 10

// variables writes the stack outputs to files and names them.
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
		Own: env.Variables(), Name: env.Name, Account: env.Account, Region: env.Region, Commit: in.Commit, Branch: in.Branch, Outputs: outputs,
	}.Write(scratch)
}

func (d Deps) outputs(ctx context.Context, in Input) ([]byte, error) {
	switch {
	case in.OutputsFile != "":
		data, err := os.ReadFile(in.OutputsFile)
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

// keep stores report and log.
func (d Deps) keep(ctx context.Context, frame stage.Frame, in Input, document *Document, dir string, log []byte) (Output, error) {
	frame.Log.Info("tested", "environment", in.Environment, "passed", document.Passed, "tests", document.Totals.Tests,
		"failures", document.Totals.Failures+document.Totals.Errors, "skipped", document.Totals.Skipped)
	out := Output{Totals: document.Totals}
	if d.Bucket == nil {
		return out, nil
	}
	// What a cancelled test left is kept as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	out.Report = bucket.TestReportKey(in.Commit, in.Environment)
	return out, d.store(ctx, *document, dir, log, frame.Redactor)
}

// store keeps reports, log and document. Tests print what they like into their
// reports, so these are masked like the log.
func (d Deps) store(ctx context.Context, document Document, dir string, log []byte, mask *redact.Redactor) error {
	for _, report := range document.Reports {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(report.Path)))
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
