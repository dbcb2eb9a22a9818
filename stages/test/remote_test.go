package test_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/test"
)

func TestTestsInAnotherContainerFindTheOutputsAndLeaveReports(t *testing.T) {
	t.Parallel()
	w := world{runner: remotetest.Start(t)}
	dir := workspace(t, `grep -q api.example.test "$STACK_OUTPUTS" && grep -q Where "$STACK_OUTPUTS_DETAILED"`,
		`mkdir reports; echo '<testsuites><testcase/><testcase name="n"><failure/></testcase></testsuites>' > reports/junit.xml; ln -s /etc/hostname reports/link.xml`)
	out, err := run(t.Context(), &w, dir, nil)
	require.ErrorContains(t, err, "1 of 2 tests failed (n)")
	assert.Equal(t, test.Totals{Tests: 2, Failures: 1}, out.Totals)
	assert.Contains(t, w.bucket.Document(commit+"/dev/tests/junit/reports/junit.xml"), "failure")
	assert.Len(t, w.document(t).Reports, 1)
	assert.NoDirExists(t, dir+"/reports", "it ran there")
}

// TestTestsUseTheWorkspaceOfTheDeploymentInTheSamePod has the deployment's hooks change a file.
func TestTestsUseTheWorkspaceOfTheDeploymentInTheSamePod(t *testing.T) {
	t.Parallel()
	for digest, want := range map[string]string{"sha256:0": "changed", "sha256:1": "built"} {
		runner := remotetest.Start(t)
		w := world{runner: runner, commands: stage.Commands{Secret: filepath.Join(t.TempDir(), "commands.secret")}}
		dir := workspace(t, `test "$(cat file)" = `+want)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("built"), 0o600))

		there := filepath.Join(t.TempDir(), "workspace")
		require.NoError(t, os.CopyFS(there, os.DirFS(dir)))
		require.NoError(t, os.WriteFile(filepath.Join(there, "file"), []byte("changed"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(there, config.File), []byte("not: [the commit's"), 0o600))
		require.NoError(t, runner.Send(t.Context(), there))
		source, err := config.Read(dir, config.File)
		require.NoError(t, err)
		require.NoError(t, w.commands.KeepWorkspace(stage.Sent{Digest: digest, Path: there, Config: config.File, Source: source}))
		require.NoError(t, os.RemoveAll(there))
		if want == "changed" { // nothing of the artifact is fetched
			require.NoError(t, os.Remove(filepath.Join(dir, config.File)))
		}

		_, err = run(t.Context(), &w, dir, nil)
		require.NoError(t, err, w.log.String())
		assert.Len(t, w.document(t).Commands, 1)
	}
}

// TestTestsThatEndTheirContainerAreReported has the tests close the connection, as the end of their container does.
func TestTestsThatEndTheirContainerAreReported(t *testing.T) {
	t.Parallel()
	runner := remotetest.Start(t)
	w := world{runner: &ending{Runner: runner}}
	_, err := run(t.Context(), &w, workspace(t, "true", "sleep 30"), nil)
	require.ErrorIs(t, err, command.ErrGone)
	require.ErrorContains(t, err, `command "sleep 30": the container that runs the commands is gone`)
	assert.Equal(t, errs.Failed, errs.KindOf(err), "a retry would do the same")
	assert.Contains(t, errs.HintOf(err), "kubectl logs")
	document := w.document(t)
	assert.False(t, document.Passed)
	assert.Len(t, document.Commands, 2, "what was known is kept")
}
