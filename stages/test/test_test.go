package test_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/test"
)

const commit = "0123456789012345678901234567890123456789"

// workspace makes a folder whose configuration runs the commands as tests of dev.
func workspace(t *testing.T, commands ...string) string {
	t.Helper()
	quoted, err := json.Marshal(commands)
	require.NoError(t, err)
	text := `version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}], tests: {commands: ` + string(quoted) + `}}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}
`
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.File), []byte(text), 0o600))
	return dir
}

type world struct {
	runner command.Runner // nil runs processes
	bucket *buckettest.Memory
	log    bytes.Buffer
	left   bool

	commands stage.Commands
	workflow string // name of the run; "" is a call by hand
}

func (w *world) deps(in test.Input) test.Deps {
	return test.Deps{
		Runner: cmp.Or(w.runner, command.Runner(proc.Runner{})),
		Bucket: buckettest.Opened(w.bucket, in.Bucket, in.ArtifactDir),
		Assume: func(context.Context, stage.Frame, config.Environment) ([]string, func(), error) {
			return []string{"PATH=" + os.Getenv("PATH"), "ISSUED=yes"}, func() { w.left = true }, nil
		},
	}
}

func run(ctx context.Context, w *world, dir string, change func(*test.Input)) (test.Output, error) {
	if w.bucket == nil {
		w.bucket = buckettest.New(map[string]string{bucket.DetailedOutputsKey(commit, "dev"): `{"Api":{"Url":{"value":"https://api.example.test","description":"Where"}}}`})
	}
	w.bucket.Workspace = dir
	in := test.Input{Environment: "dev", Config: config.File, Workspace: bucket.Workspace{Commit: commit, Bucket: "artifacts", Artifact: "a", Digest: "sha256:0"}}
	if change != nil {
		change(&in)
	}
	frame := stage.Frame{Workflow: w.workflow, Commands: w.commands, Log: slog.New(slog.DiscardHandler), Out: &w.log, Redactor: redact.New("canary-value-1234")}
	return test.Run(ctx, w.deps(in), frame, in)
}

func (w *world) document(t *testing.T) test.Document {
	t.Helper()
	var document test.Document
	require.NoError(t, json.Unmarshal([]byte(w.bucket.Document(commit+"/dev/tests/report.json")), &document))
	return document
}

func TestCommandsFindTheOutputsAndTheCredentials(t *testing.T) {
	var w world
	dir := workspace(t, `grep -q api.example.test "$STACK_OUTPUTS"`, `grep -q Where "$STACK_OUTPUTS_DETAILED"`, `test "$OUTPUT_API_URL" = https://api.example.test`,
		`test "$ENVIRONMENT_NAME $AWS_REGION $COMMIT_SHA $ISSUED" = "dev eu-west-1 `+commit+` yes"`)
	out, err := run(t.Context(), &w, dir, nil)

	require.NoError(t, err, w.log.String())
	assert.Equal(t, commit+"/dev/tests/report.json", out.Report)
	assert.True(t, w.document(t).Passed)
	assert.Len(t, w.document(t).Commands, 4)
	assert.True(t, w.left, "the issued credentials are revoked")
}

func TestAFailingTestFailsTheRunAndKeepsReportLogAndJUnit(t *testing.T) {
	var w world
	dir := workspace(t, `mkdir reports; echo '<testsuites><testcase/><testcase><failure/></testcase><testcase><skipped/></testcase></testsuites>' > reports/junit.xml; echo token canary-value-1234; exit 3`, "touch never")
	out, err := run(t.Context(), &w, dir, nil)

	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Equal(t, test.Totals{Tests: 3, Failures: 1, Skipped: 1}, out.Totals)
	document := w.document(t)
	assert.False(t, document.Passed)
	assert.Equal(t, 3, document.Commands[0].ExitCode)
	assert.Len(t, document.Commands, 1, "the first failure stops the rest")
	assert.Contains(t, w.bucket.Keys(), commit+"/dev/tests/junit/reports/junit.xml")
	log := w.bucket.Document(commit + "/dev/tests/log.txt")
	assert.Contains(t, log, "token [redacted]")
	assert.NotContains(t, log+w.log.String(), "canary-value-1234")
}

const threeTests = `echo '<testsuites><testsuite><testcase classname="orders.Api" name="creates an order"><failure>500</failure><error/></testcase>` +
	`<testcase name="reads"/><testcase name="deletes
an order"><error/></testcase></testsuite></testsuites>' > junit.xml; `

func TestFailedTestsInAReportEndTheRunThoughTheCommandExitsWithZero(t *testing.T) {
	var w world
	_, err := run(t.Context(), &w, workspace(t, threeTests), nil)
	require.ErrorContains(t, err, "3 of 3 tests failed (orders.Api creates an order, deletes an order")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "tests.allowFailures: true")
	assert.False(t, w.document(t).Passed)
	assert.Equal(t, []string{"orders.Api creates an order", "deletes an order"}, w.document(t).Reports[0].Failed)
}

func TestACommandThatFailsNamesTheFailedTests(t *testing.T) {
	var w world
	_, err := run(t.Context(), &w, workspace(t, threeTests+"exit 2"), nil)
	require.ErrorContains(t, err, "orders.Api creates an order")
	require.ErrorContains(t, err, "exit code 2")
}

func TestFailedTestsMayBeAllowed(t *testing.T) {
	var w world
	dir := workspace(t, threeTests)
	file := filepath.Join(dir, config.File)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, bytes.Replace(text, []byte("tests: {"), []byte("tests: {allowFailures: true, "), 1), 0o600))
	out, err := run(t.Context(), &w, dir, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, out.Totals.Failures)
	assert.False(t, w.document(t).Passed, "the report says what is true")
}

func TestNoSecretIsInAKeptReport(t *testing.T) {
	var w world
	dir := workspace(t, `echo '<testsuite><testcase name="login canary-value-1234"><failure>login with canary-value-1234 failed</failure></testcase></testsuite>' > junit.xml`)
	_, err := run(t.Context(), &w, dir, nil)

	require.ErrorContains(t, err, "1 of 1 tests failed (login [redacted])")
	assert.Contains(t, w.bucket.Document(commit+"/dev/tests/junit/junit.xml"), "login with [redacted] failed")
	for _, key := range w.bucket.Keys() {
		assert.NotContains(t, w.bucket.Document(key), "canary-value-1234", key)
	}
}

func TestReportsOfAnEarlierRunAndOfOthersAreNotGathered(t *testing.T) {
	var w world
	dir := workspace(t, `mkdir -p node_modules/x; echo '<testsuite><testcase/></testsuite>' | tee node_modules/x/j.xml; echo '<project/>' > pom.xml; echo '<testsuite><testcase>' > broken.xml`)
	old := filepath.Join(dir, "old.xml")
	require.NoError(t, os.WriteFile(old, []byte("<testsuite><testcase/></testsuite>"), 0o600))
	require.NoError(t, os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)))
	out, err := run(t.Context(), &w, dir, func(in *test.Input) { in.Artifact, in.Digest, in.Source = "", "", dir })

	require.NoError(t, err)
	assert.Zero(t, out.Totals)
	assert.Empty(t, w.document(t).Reports)
}

func TestAnEnvironmentThatTheCommitDroppedIsNotTested(t *testing.T) {
	for _, name := range []string{"gone", "prod"} {
		w := world{workflow: "shop-1"}
		out, err := run(t.Context(), &w, workspace(t, "exit 1"), func(in *test.Input) { in.Environment = name })
		require.NoError(t, err)
		assert.Empty(t, out.Report)
	}
}

func TestAMisspeltEnvironmentIsAnInvalidInputInALocalCall(t *testing.T) {
	var w world
	_, err := run(t.Context(), &w, workspace(t, "exit 1"), func(in *test.Input) { in.Environment = "prodd" })
	require.ErrorContains(t, err, `no environment "prodd": its environments are dev, prod; did you mean "prod"?`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestOnAPlainFolderNothingIsStored(t *testing.T) {
	var w world
	dir := workspace(t, `grep -q here "$STACK_OUTPUTS"`)
	file := filepath.Join(t.TempDir(), "outputs.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"Api":{"Url":"here"}}`), 0o600))
	_, err := run(t.Context(), &w, dir, func(in *test.Input) {
		*in = test.Input{Environment: "dev", Config: config.File, OutputsFile: file, Workspace: bucket.Workspace{Commit: commit, Source: dir}}
	})
	require.NoError(t, err, w.log.String())
	assert.Len(t, w.bucket.Keys(), 1)
}

func TestAFolderReplacesTheBucket(t *testing.T) {
	var w world
	folder := t.TempDir()
	packed, err := bucket.Pack(t.Context(), workspace(t, `echo "<testsuite><testcase/></testsuite>" > junit.xml; grep -q here "$STACK_OUTPUTS" && grep -q Where "$STACK_OUTPUTS_DETAILED" && grep -q api-url "$STACK_OUTPUTS_DETAILED"`), func(string) bool { return false })
	require.NoError(t, err)
	defer packed.Remove()
	artifacts := bucket.OpenDirectory(folder)
	_, err = artifacts.Save(t.Context(), packed, bucket.Metadata{Commit: commit})
	require.NoError(t, err)
	require.NoError(t, artifacts.Put(t.Context(), bucket.DetailedOutputsKey(commit, "dev"), []byte(`{"Api":{"Url":{"value":"here","description":"Where","exportName":"api-url"}}}`)))
	out, err := run(t.Context(), &w, "", func(in *test.Input) {
		*in = test.Input{Environment: "dev", Config: config.File, Workspace: bucket.Workspace{Commit: commit, ArtifactDir: folder}}
		require.NoError(t, in.Validate())
	})

	require.NoError(t, err, w.log.String())
	assert.Equal(t, 1, out.Totals.Tests)
	assert.FileExists(t, filepath.Join(folder, out.Report))
	assert.FileExists(t, filepath.Join(folder, commit, "dev/tests/junit/junit.xml"))
	assert.Len(t, w.bucket.Keys(), 1, "nothing went to a bucket")
}

func TestAFolderWithoutTheCommitIsAWrongInput(t *testing.T) {
	var w world
	_, err := run(t.Context(), &w, "", func(in *test.Input) {
		*in = test.Input{Environment: "dev", Config: config.File, Workspace: bucket.Workspace{Commit: commit, ArtifactDir: t.TempDir()}}
	})
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "builder --source")
}

func TestACancelledTestStillKeepsItsReport(t *testing.T) {
	var w world
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err := run(ctx, &w, workspace(t, "sleep 30"), nil)

	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	assert.False(t, w.document(t).Passed)
}

func TestEndlessOutputIsKeptUpToABound(t *testing.T) {
	var w world
	_, err := run(t.Context(), &w, workspace(t, "head -c 40000000 /dev/zero | tr '\\\\0' 'x' | fold -w 100"), nil)
	require.NoError(t, err)
	assert.Equal(t, 16<<20, len(w.bucket.Document(commit+"/dev/tests/log.txt")))
}

func TestInputsThatDoNotFitTogetherAreRefused(t *testing.T) {
	for name, in := range map[string]bucket.Workspace{
		"no workspace":       {Commit: commit},
		"two workspaces":     {Commit: commit, Source: "a", Artifact: "b", Bucket: "c", Digest: "d"},
		"bucket and folder":  {Commit: commit, ArtifactDir: "a", Bucket: "b"},
		"folder and source":  {Commit: commit, ArtifactDir: "a", Source: "b"},
		"no digest":          {Commit: commit, Artifact: "a", Bucket: "b"},
		"commit with option": {Commit: "--upload-pack=x", Source: "a"},
		"abbreviated commit": {Commit: strings.Repeat("a", 7), Source: "a"},
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(test.Input{Workspace: in}.Validate()), name)
	}
}

func TestTestsOfAConfigurationThatIsNotTheFileOfTheCommitDoNotRun(t *testing.T) {
	dir := workspace(t, "touch ran")
	committed, err := config.DigestOf(dir, config.File)
	require.NoError(t, err)
	var w world
	_, err = run(t.Context(), &w, dir, func(in *test.Input) { in.ConfigDigest = config.Digest(nil) })
	require.ErrorContains(t, err, "aphex-config.yaml is not the file of the commit: its digest is "+committed)
	_, err = run(t.Context(), &w, dir, func(in *test.Input) { in.ConfigDigest = committed })
	require.NoError(t, err)
}

// TestTestsHaveVariablesAndATimeoutOfTheirOwn holds that theirs win over those of the environment, and lose against ours.
func TestTestsHaveVariablesAndATimeoutOfTheirOwn(t *testing.T) {
	t.Parallel()
	configure := func(dir, tests string) {
		file := filepath.Join(dir, config.File)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, bytes.Replace(text, []byte("tests: {"), []byte("env: {STAGE: env, LEVEL: env}, tests: {"+tests+", "), 1), 0o600))
	}
	var w world
	dir := workspace(t, `test "$STAGE $LEVEL $COMMIT_SHA" = "tests env `+commit+`"`)
	configure(dir, "env: {STAGE: tests}")
	_, err := run(t.Context(), &w, dir, nil)
	require.NoError(t, err, w.log.String())

	dir = workspace(t, "sleep 60")
	configure(dir, "timeout: 1s")
	_, err = run(t.Context(), &w, dir, nil)
	require.ErrorContains(t, err, "at the end of the 1s of tests.timeout")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, w.document(t).Commands[0].Error, "was stopped after its limit")
}
