package build_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/stages/build"
)

func TestABuildInAnotherContainerGivesTheSameArtifact(t *testing.T) {
	t.Parallel()
	commands := `{commands: ["mkdir -p artifacts old && echo $COMMIT_SHA > artifacts/sha && ln -s ../artifacts old/link", "rm gone && test -e artifacts/sha && env | sort > artifacts/env"]}`
	built := map[bool]*world{}
	runner := remotetest.Start(t)
	for _, apart := range []bool{false, true} {
		w := &world{}
		if apart {
			w.runner = runner
		}
		dir := source(t, commands)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "gone"), nil, 0o644))
		_, err := run(t, w, dir, build.Input{Source: dir})
		require.NoError(t, err, w.log.String())
		assert.Equal(t, []string{config.File, "artifacts", "old"}, w.files)
		assert.FileExists(t, filepath.Join(dir, "gone"), "the source itself is not built in")
		built[apart] = w
	}
	assert.Equal(t, built[false].stored.Artifacts[1], built[true].stored.Artifacts[1])
	assert.NotEmpty(t, built[true].stored.Tools["git"])
	assert.DirExists(t, filepath.Join(runner.Root, os.TempDir()), "it was built there")
}

func TestABuildThatLosesItsContainerSaysSo(t *testing.T) {
	t.Parallel()
	runner := remotetest.Start(t)
	w := &world{runner: runner}
	dir := source(t, `{commands: ["touch ../../reached; true", "echo second"]}`)
	require.NoError(t, runner.Close())
	_, err := run(t, w, dir, build.Input{Source: dir})
	require.ErrorIs(t, err, command.ErrGone)
	assert.NotContains(t, w.log.String(), "second")
}
