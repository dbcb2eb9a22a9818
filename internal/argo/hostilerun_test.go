package argo_test

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// record is a program in place of every stage: it stores its variables and its command
// line, and writes the given text to all outputs.
const record = `#!/bin/sh
env -0 > "$RECORD/$APHEX_STEP.env"
printf '%s\0' "$@" > "$RECORD/$APHEX_STEP.args"
mkdir -p "$APHEX_OUTPUTS"
for output in artifact digest outputs; do cp "$RECORD/output" "$APHEX_OUTPUTS/$output"; done
printf updated > "$APHEX_OUTPUTS/result"
`

// recorded is what the steps of a run received.
type recorded map[string]struct {
	env  map[string]string
	args string
}

type quiet struct{ io.Writer }

func (quiet) Close() error { return nil }

// runs executes a template with this program for every stage. The outputs are passed on to
// later steps.
func runs(t *testing.T, template *localrun.Template, parameters map[string]string, output string) recorded {
	t.Helper()
	dir, records := t.TempDir(), t.TempDir()
	program := filepath.Join(dir, "record")
	require.NoError(t, os.WriteFile(program, []byte(record), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(records, "output"), []byte(output), 0o600))
	result, err := localrun.Run(t.Context(), template, localrun.Options{
		Name: "shop-1", Parameters: parameters, Dir: filepath.Join(dir, "steps"), Env: []string{"PATH=" + os.Getenv("PATH"), "RECORD=" + records},
		Program: func(string) (string, error) { return program, nil },
		Approve: func(context.Context, string) error { return nil },
		Log:     func(string) (io.WriteCloser, error) { return quiet{io.Discard}, nil },
		Observe: func(localrun.Event) {},
		Step:    argo.StepOf,
	})
	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, result.Status)
	return read(t, records)
}

func read(t *testing.T, dir string) recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.env"))
	require.NoError(t, err)
	all := recorded{}
	for _, file := range files {
		variables, err := os.ReadFile(file)
		require.NoError(t, err)
		args, err := os.ReadFile(strings.TrimSuffix(file, "env") + "args")
		require.NoError(t, err)
		env := map[string]string{}
		for _, entry := range strings.Split(strings.TrimSuffix(string(variables), "\x00"), "\x00") {
			name, value, _ := strings.Cut(entry, "=")
			env[name] = value
		}
		all[strings.TrimSuffix(filepath.Base(file), ".env")] = struct {
			env  map[string]string
			args string
		}{env, string(args)}
	}
	return all
}

// usual returns the parameters of a run without hostile values.
func usual() map[string]string {
	return map[string]string{
		plan.CommitSHA: strings.Repeat("0123456789", 4), plan.Branch: "main", plan.RepoURL: "https://github.com/my-org/my-app.git",
		plan.RepoName: "my-org/my-app", plan.Pusher: "octocat",
	}
}

func localTemplate(t *testing.T, content map[string]any) *localrun.Template {
	t.Helper()
	_, objects, err := rendersAs(content)
	require.NoError(t, err)
	template, err := localrun.Parse(find(t, objects, "WorkflowTemplate").YAML)
	require.NoError(t, err)
	return template
}

// hold are the variables with values of an event or outputs of a stage.
var hold = []string{
	"APHEX_COMMIT", "APHEX_BRANCH", "APHEX_REPOSITORY", "APHEX_REPO_NAME", "APHEX_PUSHER", "APHEX_ARTIFACT", "APHEX_DIGEST", "APHEX_HELD", "APHEX_ORIGIN",
	"APHEX_PURPOSE", "APHEX_ONLY", "APHEX_BUILT_CONFIG", "APHEX_TARGET", "APHEX_OVERRIDE", "APHEX_PULL_REQUEST",
}

// differ are the variables with different values in every run: folders of this machine,
// and times.
var differ = []string{"RECORD", "PWD", "_", "HOME", "TMPDIR", "OLDPWD", "APHEX_OUTPUTS", "APHEX_OUTPUTS_FILE", "APHEX_DETAILED_OUTPUTS_FILE", "APHEX_CREATED"}

// TestAHostileValueOfAnEventIsUsedLiterallyByARun runs the rendered template with every
// text in every parameter, and as the output of every stage: each step gets it as the
// value of variables, and everything else as in a usual run.
func TestAHostileValueOfAnEventIsUsedLiterallyByARun(t *testing.T) {
	template := localTemplate(t, document(t, everything))
	plain := runs(t, template, usual(), "output")
	require.Subset(t, slices.Collect(maps.Keys(plain)), []string{plan.Validate, plan.Build, plan.Pipeline, plan.Deploy("dev"), plan.Test("dev")})
	for _, text := range hostile {
		parameters := map[string]string{}
		for _, name := range slices.Concat(plan.Parameters(), plan.HandedOver(), plan.Asked(), plan.Overriding(), []string{plan.PullRequest}) {
			parameters[name] = text
		}
		got := runs(t, template, parameters, text)
		require.Len(t, got, len(plain))
		for step, usual := range plain {
			assert.Equal(t, usual.args, got[step].args, "%s: %q", step, text)
			require.Len(t, got[step].env, len(usual.env), "%s: %q", step, text)
			for name, value := range usual.env {
				switch {
				case name == "APHEX_REASON":
					assert.Equal(t, strings.ReplaceAll(text, "{", "{ "), got[step].env[name], "%s: %s", step, name)
				case slices.Contains(hold, name):
					assert.Equal(t, text, got[step].env[name], "%s: %s", step, name)
				case !slices.Contains(differ, name):
					assert.Equal(t, value, got[step].env[name], "%s: %s: %q", step, name, text)
				}
			}
		}
	}
}

// TestAHostileBranchIsUsedLiterallyByARun is about the one rendered key of a configuration
// that allows almost any text.
func TestAHostileBranchIsUsedLiterallyByARun(t *testing.T) {
	took := 0
	for _, text := range append(slices.Clone(hostile), "$(APHEX_COMMIT)", "feature/$$(APHEX_COMMIT)") {
		content := document(t, everything)
		content["githubBranch"] = text
		if _, _, err := rendersAs(content); err != nil {
			continue
		}
		took++
		parameters := usual()
		delete(parameters, plan.Branch) // the default of the template is used
		got := runs(t, localTemplate(t, content), parameters, "")
		for _, step := range []string{"validate", "build", "pipeline", "deploy-dev"} {
			require.Equal(t, text, got[step].env["APHEX_BRANCH"], step)
		}
		require.Equal(t, text, got["pipeline"].env["APHEX_GITHUB_BRANCH"])
	}
	assert.Greater(t, took, 3)
}
