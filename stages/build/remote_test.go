package build_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
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

// laden is a runner whose own environment has credentials for AWS.
type laden struct{ command.Runner }

func (l laden) Environ() []string {
	env := slices.DeleteFunc(l.Runner.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "AWS_") })
	return append(env, "AWS_ACCESS_KEY_ID=canary", "AWS_SECRET_ACCESS_KEY=canary", "AWS_SESSION_TOKEN=canary", "AWS_PROFILE=canary",
		"AWS_ROLE_ARN=canary", "AWS_WEB_IDENTITY_TOKEN_FILE=canary", "AWS_CONTAINER_CREDENTIALS_FULL_URI=canary", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=canary")
}

// TestABuildHasNoCredentialsForAWS compares the variables of AWS SDKs that a build has, in both kinds of container.
func TestABuildHasNoCredentialsForAWS(t *testing.T) {
	t.Parallel()
	for place, runner := range map[string]command.Runner{"processes": proc.Runner{}, "another container": remotetest.Start(t)} {
		w := &world{runner: laden{runner}}
		dir := source(t, `{commands: ["mkdir artifacts; ! env | grep canary", "test \"$(env | grep ^AWS_ | sort | xargs)\" = \"AWS_CONFIG_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true AWS_SHARED_CREDENTIALS_FILE=/dev/null\""]}`)
		_, err := run(t, w, dir, build.Input{Source: dir})
		require.NoError(t, err, "%s: %s", place, w.log.String())
	}
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

func TestTheWorkspaceOfAnotherContainerIsPackedAsThatOfProcesses(t *testing.T) {
	const section = `{artifacts: [dist, "packages/*/node_modules/*/*.wasm"], commands: [
		"mkdir -p node_modules/a dist/lambda/node_modules/b packages/c/node_modules/d packages/c/node_modules/e .venv",
		"echo a > node_modules/a/index.js && chmod 755 node_modules/a/index.js && ln -s a/index.js node_modules/link && echo v > .venv/v",
		"echo b > dist/lambda/node_modules/b/index.js && echo d > packages/c/node_modules/d/d.wasm && echo e > packages/c/node_modules/e/e.js"]}`
	var stored []bucket.Metadata
	for _, runner := range []command.Runner{proc.Runner{}, remotetest.Start(t)} {
		w := world{runner: runner}
		dir := source(t, section)
		_, err := run(t, &w, dir, build.Input{Source: dir})
		require.NoError(t, err, w.log.String())
		stored = append(stored, w.stored)
	}
	assert.Equal(t, stored[0].Digest, stored[1].Digest)
	assert.Equal(t, stored[0].Artifacts, stored[1].Artifacts)
	var names []string
	for _, artifact := range stored[1].Artifacts {
		names = append(names, artifact.Path)
	}
	assert.Equal(t, []string{"dist/lambda/node_modules/b/index.js", "packages/c/node_modules/d/d.wasm"}, names)
}
