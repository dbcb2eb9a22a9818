package stage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

type input struct {
	Commit string `help:"Full commit SHA." required:""`
	Limit  int    `help:"How many." default:"3"`
	Proof  string `help:"Digest." nonempty:""`
	Wait   time.Duration
}

func (in input) Validate() error {
	if in.Limit < 1 {
		return errs.Invalidf("limit %d is below 1", in.Limit)
	}
	return nil
}

type output struct {
	Artifact string   `output:"artifact"`
	Names    []string `output:"names"`
}

// program has one stage that does what work says.
func program(work func(stage.Frame, input) (output, error)) stage.Program {
	run := func(_ context.Context, f stage.Frame, in input) (output, error) { return work(f, in) }
	help := "Do the work.\n\nExample:\n\n  worker --commit 0123"
	return stage.Program{Name: "worker", Help: "worker works.", Stages: []stage.Stage{
		stage.Of(contract.Of[input, output]("worker"), help, run),
	}}
}

type result struct {
	code           int
	stdout, stderr string
}

func run(p stage.Program, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := p.Run(context.Background(), args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func succeed(stage.Frame, input) (output, error) {
	return output{Artifact: "abc/1.tar.zst", Names: []string{"a", "b"}}, nil
}

func TestOutputsBecomeOneFileEach(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outputs")
	got := run(program(succeed), "--commit", "0123", "--outputs", dir)

	require.Equal(t, stage.ExitDone, got.code, got.stderr)
	assert.Equal(t, "abc/1.tar.zst", read(t, dir, "artifact"))
	assert.JSONEq(t, `["a","b"]`, read(t, dir, "names"))
	assert.Empty(t, got.stdout)
}

func TestWithoutAFolderOutputsGoToStdout(t *testing.T) {
	got := run(program(succeed), "--commit", "0123")
	assert.JSONEq(t, `{"artifact":"abc/1.tar.zst","names":"[\"a\",\"b\"]"}`, got.stdout)
}

func TestWhatLibrariesLogIsARecordWithoutSecrets(t *testing.T) {
	t.Setenv("DEPLOY_TOKEN", "hunter2hunter2")
	logs := program(func(stage.Frame, input) (output, error) {
		log.Printf("library: sent hunter2hunter2")
		return output{}, nil
	})
	var stdout, stderr, before bytes.Buffer
	log.SetOutput(&before)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	code := logs.RunAsProcess(t.Context(), []string{"--commit", "0123", "--log-format", "json"}, &stdout, &stderr)
	require.Equal(t, stage.ExitDone, code, stderr.String())
	assert.Contains(t, stderr.String(), `"msg":"library: sent [redacted]"`)
	assert.Empty(t, before.String())

	got := run(logs, "--commit", "0123", "--log-format", "json")
	assert.NotContains(t, got.stderr, "library", "the log of the process belongs to the process")
	assert.Contains(t, before.String(), "library: sent")
}

func TestInputsAreReadFromVariablesAndEmptyOnesCountAsUnset(t *testing.T) {
	t.Setenv("APHEX_COMMIT", "4567")
	t.Setenv("APHEX_LIMIT", "")
	var seen input
	got := run(program(func(_ stage.Frame, in input) (output, error) { seen = in; return output{}, nil }))

	require.Equal(t, stage.ExitDone, got.code, got.stderr)
	assert.Equal(t, input{Commit: "4567", Limit: 3}, seen)
	_, set := os.LookupEnv("APHEX_LIMIT")
	assert.True(t, set, "the environment is the process's, and stays")
	assert.Contains(t, run(program(succeed), "--help").stdout, "($APHEX_LIMIT)")

	t.Setenv("APHEX_LIMIT", "many")
	assert.Contains(t, run(program(succeed)).stderr, `(from envar APHEX_LIMIT="many")`)
}

// A run passes what its template says: an empty digest of a configuration would accept any file.
func TestAVariableThatMustHaveAValueIsRefusedIfItIsEmptyAndNotIfItIsUnset(t *testing.T) {
	assert.Equal(t, stage.ExitDone, run(program(succeed), "--commit", "0123").code, "a person, or a template of an earlier version")
	t.Setenv("APHEX_PROOF", "sha256:1")
	assert.Equal(t, stage.ExitDone, run(program(succeed), "--commit", "0123").code)
	t.Setenv("APHEX_PROOF", "")
	got := run(program(succeed), "--commit", "0123")
	assert.Equal(t, stage.ExitInvalid, got.code)
	assert.Contains(t, got.stderr, "the variable APHEX_PROOF is empty")
}

func TestNoControlCharacterOfAnErrorReachesTheTerminal(t *testing.T) {
	var printed bytes.Buffer
	stage.PrintError(&printed, errs.Failedf("stack \x1b]0;title\x07Shop\u202e").WithHint("delete \x9b2J"))
	assert.Equal(t, "error: stack \\x1b]0;title\\x07Shop\\u202e\n  hint: delete \\x9b2J\n", printed.String())
}

func TestEveryKindOfErrorHasItsExitCode(t *testing.T) {
	for want, err := range map[int]error{
		stage.ExitFailed:    errors.New("the tests failed"),
		stage.ExitInvalid:   fmt.Errorf("reading: %w", errs.Invalidf("no such environment")),
		stage.ExitTemporary: errs.Temporaryf("throttled"),
		stage.ExitCancelled: context.Canceled,
	} {
		got := run(program(func(stage.Frame, input) (output, error) { return output{}, err }), "--commit", "0123")
		assert.Equal(t, want, got.code, err)
	}
}

func TestAnErrorIsPrintedWithItsHintAndStoredInTheRecord(t *testing.T) {
	dir := t.TempDir()
	p := program(func(stage.Frame, input) (output, error) {
		return output{Artifact: "partial"}, errs.Failedf("stack Api failed").WithHint("look at the events")
	})
	got := run(p, "--commit", "0123", "--outputs", dir, "--log-format", "text")

	assert.Contains(t, got.stderr, "error: stack Api failed\n  hint: look at the events\n")
	var record stage.Record
	require.NoError(t, json.Unmarshal([]byte(read(t, dir, stage.ResultFile)), &record))
	assert.Equal(t, "failed", record.Status)
	assert.Equal(t, "stack Api failed", record.Error)
	assert.Equal(t, "look at the events", record.Hint)
	assert.Equal(t, "partial", read(t, dir, "artifact"), "what was done before the failure is not lost")
}

func TestASecretIsInNoLogAndNoRecord(t *testing.T) {
	dir := t.TempDir()
	p := program(func(f stage.Frame, _ input) (output, error) {
		fmt.Fprint(f.Out, "printed canary-")
		fmt.Fprintln(f.Out, "value-1234")
		f.Log.Info("logged", "value", "canary-value-1234")
		return output{}, errs.Failedf("bad canary-value-1234").WithHint("see canary-value-1234")
	})
	got := run(p, "--commit", "0123", "--outputs", dir)
	assert.Equal(t, 4, strings.Count(got.stderr, "canary-value-1234"), "a stage that does not hold the secret shows it")
	assert.Contains(t, read(t, dir, stage.ResultFile), "canary-value-1234")

	t.Setenv("WEBHOOK_SECRET", "canary-value-1234")
	for _, format := range []string{"text", "json"} {
		got := run(p, "--commit", "0123", "--outputs", dir, "--log-format", format)
		assert.NotContains(t, got.stderr, "canary-value-1234", format)
		assert.Contains(t, got.stderr, "[redacted]", format)
		assert.NotContains(t, read(t, dir, stage.ResultFile), "canary-value-1234", format)
	}
}

func TestEveryLineOfAJSONLogIsJSON(t *testing.T) {
	p := program(func(f stage.Frame, _ input) (output, error) {
		fmt.Fprint(f.Out, "first line\nsecond ")
		fmt.Fprint(f.Out, "line\nno end")
		return output{}, nil
	})
	got := run(p, "--commit", "0123", "--log-format", "json")

	var messages []string
	for line := range bytes.Lines([]byte(got.stderr)) {
		var entry struct{ Msg string }
		require.NoError(t, json.Unmarshal(line, &entry), "%s", line)
		messages = append(messages, entry.Msg)
	}
	assert.Equal(t, []string{"started", "first line", "second line", "no end"}, messages)
}

func TestTheRecordOfAWorkflowStepGoesToTheBucket(t *testing.T) {
	records, opened := buckettest.New(nil), ""
	p := program(succeed)
	p.Bucket = func(_ context.Context, name string) (bucket.Bucket, error) {
		opened = name
		return records, nil
	}
	got := run(p, "--commit", "0123", "--workflow", "run-1", "--step", "work", "--records", "artifacts")

	require.Equal(t, stage.ExitDone, got.code, got.stderr)
	assert.Equal(t, "artifacts", opened)
	assert.Contains(t, records.Document("metadata/workflows/run-1/work.json"), `"status": "done"`)
}

func TestAWrongCommandLineExitsWithInvalidAndPointsToHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--limit", "x", "--commit", "0"}, {"--limit", "0", "--commit", "0"}, {"--unknown"}} {
		got := run(program(succeed), args...)
		assert.Equal(t, stage.ExitInvalid, got.code, args)
		assert.Contains(t, got.stderr, "hint: ", args)
	}
}

func TestAnUnusableOutputsFolderFailsBeforeTheStage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	worked := false
	p := program(func(stage.Frame, input) (output, error) { worked = true; return output{}, nil })
	got := run(p, "--commit", "0", "--outputs", filepath.Join(file, "outputs"))

	assert.Equal(t, stage.ExitInvalid, got.code)
	assert.Contains(t, got.stderr, file)
	assert.False(t, worked)
}

func TestHelpHasExamplesAndVersionIsPrinted(t *testing.T) {
	help := run(program(succeed), "--help")
	assert.Equal(t, stage.ExitDone, help.code)
	for _, want := range []string{"worker works.", "--commit", "$APHEX_COMMIT", "worker --commit 0123"} {
		assert.Contains(t, help.stdout, want)
	}
	version := run(program(succeed), "version")
	assert.Equal(t, stage.ExitDone, version.code)
	assert.Contains(t, version.stdout, "worker ")
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elements...))
	require.NoError(t, err)
	return string(data)
}

func TestANegativeDurationIsRefused(t *testing.T) {
	got := run(program(succeed), "--commit", "0123", "--wait=-5s")
	assert.Equal(t, stage.ExitInvalid, got.code)
	assert.Contains(t, got.stderr, "--wait is -5s, but must not be negative")
	assert.Equal(t, stage.ExitDone, run(program(succeed), "--commit", "0123", "--wait=5s").code)
}
