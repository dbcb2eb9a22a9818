package stage_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// programs puts shell scripts in the place of the programs of stages into PATH.
func programs(t *testing.T, scripts map[string]string) (environ []string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return []string{"PATH=" + os.Getenv("PATH")}
}

func steps(ctx context.Context, environ []string, args ...string) (code int, out string) {
	var both bytes.Buffer
	code = stage.RunSteps(ctx, proc.Runner{}, args, environ, &both, &both)
	return code, both.String()
}

func TestTheStagesOfAPodRunInOrderEachWithItsVariables(t *testing.T) {
	show := `echo "$(basename $0) $* $APHEX_STEP $APHEX_COMMIT $TESTER_APHEX_STEP"`
	environ := append(programs(t, map[string]string{"deployer": show, "tester": show}),
		"APHEX_STEP=deploy-dev", "APHEX_COMMIT=abc", "TESTER_APHEX_STEP=test-dev", "OTHER_APHEX_STEP=x")
	code, out := steps(t.Context(), environ, "deployer environment", "tester")
	assert.Equal(t, "deployer environment deploy-dev abc \ntester  test-dev abc \n", out)
	assert.Zero(t, code)
}

func TestAPodEndsWithTheExitCodeOfTheFirstStageThatFails(t *testing.T) {
	for script, want := range map[string]int{"exit 75": 75, "exit 1": 1, "kill -9 $$": 137, "kill -6 $$": 1} {
		environ := programs(t, map[string]string{"deployer": script, "tester": "echo tested"})
		code, out := steps(t.Context(), environ, "deployer environment", "tester")
		assert.Equal(t, want, code, script)
		assert.NotContains(t, out, "tested")
		code, _ = steps(t.Context(), environ, "tester", "deployer environment")
		assert.Equal(t, want, code, script)
	}
	code, out := steps(t.Context(), programs(t, nil), "no-stage environment")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "running no-stage environment: ")
	for _, args := range [][]string{nil, {"deployer environment", " "}} {
		code, out = steps(t.Context(), nil, args...)
		assert.Equal(t, 2, code)
		assert.Contains(t, out, "hint: ")
	}
}

func TestAPodThatIsAskedToStopStopsItsStageAndStartsNoOther(t *testing.T) {
	environ := programs(t, map[string]string{"deployer": `trap 'echo stopped; exit 0' TERM; echo begun; while :; do sleep 0.05; done`, "tester": "echo tested"})
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, stop)
	code, out := steps(ctx, environ, "deployer environment", "tester")
	assert.Equal(t, 128+int(syscall.SIGTERM), code)
	assert.Contains(t, out, "stopped\n")
	assert.NotContains(t, out, "tested")
}

func TestThePlaceOfASecretIsShown(t *testing.T) {
	for _, name := range []string{"APHEX_TOKEN_SECRET", "APHEX_COMMANDS_SECRET", "SOME_TOKEN_FILE"} {
		t.Setenv(name, "/place/of/"+name)
		p := program(func(f stage.Frame, _ input) (output, error) {
			f.Log.Info("it is at /place/of/" + name)
			return output{}, nil
		})
		assert.Contains(t, run(p, "--commit", "0123").stderr, "/place/of/"+name)
	}
}
