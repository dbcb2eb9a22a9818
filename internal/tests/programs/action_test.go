package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// The steps of the action run as GitHub's runner starts them.
func TestTheActionChecksTheConfigurationOfAPullRequest(t *testing.T) {
	t.Parallel()
	var action struct {
		Runs struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "action.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &action))
	check := func(dir, config string) (string, error) {
		var out strings.Builder
		temporary := t.TempDir()
		for _, step := range action.Runs.Steps {
			run := exec.Command("bash", "-eo", "pipefail", "-c", step.Run)
			run.Dir, run.Stdout, run.Stderr = dir, &out, &out
			run.Env = append(os.Environ(), "GITHUB_ACTIONS=true", "GITHUB_ACTION_PATH="+root, "RUNNER_TEMP="+temporary)
			for name, value := range step.Env {
				run.Env = append(run.Env, name+"="+strings.ReplaceAll(value, "${{ inputs.config }}", config))
			}
			if err := run.Run(); err != nil {
				return out.String(), err
			}
		}
		return out.String(), nil
	}
	app := t.TempDir()
	require.NoError(t, os.CopyFS(app, os.DirFS("testdata/app")))
	out, err := check(app, "aphex-config.yaml")
	require.NoError(t, err, out)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("version: 1\n"), 0o600))
	out, err = check(dir, "a.yaml $(touch,injected) b.yaml")
	require.Error(t, err)
	assert.Contains(t, out, "::error file=a.yaml,line=1,col=")
	assert.Contains(t, out, "::error file=b.yaml::no such file")
	assert.NoFileExists(t, filepath.Join(dir, "injected"))
}
