package cmdenv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

func write(t *testing.T, outputs cmdenv.Outputs) (map[string]string, string) {
	t.Helper()
	dir := t.TempDir()
	entries, err := cmdenv.Environment{
		Name: "dev", Account: "111111111111", Region: "eu-west-1", Commit: "0123", Branch: "main", Outputs: outputs,
	}.Write(t.Context(), proc.Runner{}, dir)
	require.NoError(t, err)
	env := map[string]string{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	return env, dir
}

func TestCommandsGetTheirEnvironmentAndTheOutputsInEveryForm(t *testing.T) {
	env, dir := write(t, cmdenv.Outputs{
		"ApiStack": {"ApiUrl": {Value: "https://api.example.test", Description: "Where", ExportName: "api"}},
	})
	assert.Equal(t, "dev", env["ENVIRONMENT_NAME"])
	assert.Equal(t, "0123", env["COMMIT_SHA"])
	for _, name := range []string{"AWS_ACCOUNT", "CDK_DEFAULT_ACCOUNT"} {
		assert.Equal(t, "111111111111", env[name])
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "CDK_DEFAULT_REGION"} {
		assert.Equal(t, "eu-west-1", env[name])
	}
	assert.Equal(t, "https://api.example.test", env["OUTPUT_API_STACK_API_URL"])
	assert.Equal(t, filepath.Join(dir, cmdenv.ValuesFile), env["STACK_OUTPUTS"])
	assert.JSONEq(t, `{"ApiStack":{"ApiUrl":"https://api.example.test"}}`, env["STACK_OUTPUTS_JSON"])
	assertFile(t, env["STACK_OUTPUTS"], `{"ApiStack":{"ApiUrl":"https://api.example.test"}}`)
	assertFile(t, env["STACK_OUTPUTS_DETAILED"], `{"ApiStack":{"ApiUrl":{"value":"https://api.example.test","description":"Where","exportName":"api"}}}`)
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.JSONEq(t, want, string(data))
}

func TestWithoutOutputsTheFilesAreEmptyObjects(t *testing.T) {
	env, _ := write(t, nil)
	assertFile(t, env["STACK_OUTPUTS"], `{}`)
	assertFile(t, env["STACK_OUTPUTS_DETAILED"], `{}`)
}

func TestOutputsTooLargeForAVariableAreInTheFilesOnly(t *testing.T) {
	env, _ := write(t, cmdenv.Outputs{"Big": {"Text": {Value: strings.Repeat("x", 101<<10)}}})
	assert.NotContains(t, env, "STACK_OUTPUTS_JSON")
	assert.NotContains(t, env, "OUTPUT_BIG_TEXT")
	info, err := os.Stat(env["STACK_OUTPUTS"])
	require.NoError(t, err)
	assert.Greater(t, info.Size(), int64(101<<10))
}

func TestEitherFormIsRead(t *testing.T) {
	want := cmdenv.Outputs{"Api": {"Url": {Value: "u"}}}
	for _, text := range []string{`{"Api":{"Url":"u"}}`, `{"Api":{"Url":{"value":"u"}}}`} {
		got, err := cmdenv.Parse([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := cmdenv.Parse([]byte(`[]`))
	assert.Error(t, err)
}

func TestOutputsThatShareAVariableHaveNoneAndAreReported(t *testing.T) {
	outputs := cmdenv.Outputs{
		"Dev/Api": {"Url": {Value: "one"}, "Same": {Value: "x"}, "Alone": {Value: "y"}},
		"Dev-Api": {"Url": {Value: "two"}, "Same": {Value: "x"}},
	}
	env, _ := write(t, outputs)
	assert.NotContains(t, env, "OUTPUT_DEV_API_URL")
	assert.Equal(t, "x", env["OUTPUT_DEV_API_SAME"], "equal values are no collision")
	assert.Equal(t, "y", env["OUTPUT_DEV_API_ALONE"])
	require.Len(t, outputs.Collisions(), 1)
	assert.Contains(t, outputs.Collisions()[0], "OUTPUT_DEV_API_URL is not set because the outputs Dev-Api.Url and Dev/Api.Url share it")
}
