package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// TestAnEnvironmentIsDeployedByCommandsInAnotherContainer deploys an app whose files exist there only: what the hooks
// write, the app reads, and cdk.json as a hook leaves it is that of the synthesis.
func TestAnEnvironmentIsDeployedByCommandsInAnotherContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	runner := remotetest.Start(t)
	w.runner = runner
	w.write("changed.json", `{"app": "node app.js && touch synthesized", "context": {"@aws-cdk/core:enablePartitionLiterals": true, "@aws-cdk/core:defaultCrossStackReferences": "strong"}}`)
	w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    concurrency: 3
    stacks: [{name: Data}, {name: Api}, {name: Edge}]
    hooks:
      preDeploy: ["mv changed.json cdk.json && printf warning > shape", "node -e 'fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {headers: {Authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN}}).then(r => process.exit(r.ok ? 0 : 1))'"]
      postDeploy: [cp "$STACK_OUTPUTS" seen.json, test "$OUTPUT_EDGE_REGION" = us-east-1, test -e synthesized]
`)
	outputs := filepath.Join(t.TempDir(), "outputs.json")
	out, err := w.run("dev", func(in *deploy.Input) { in.NamedOutputsFile = outputs })
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	assert.Contains(t, w.log.String(), "look here", "the hook shaped the app")
	seen, err := os.ReadFile(filepath.Join(runner.Place(w.source), "seen.json"))
	require.NoError(t, err)
	kept, err := os.ReadFile(outputs)
	require.NoError(t, err)
	assert.JSONEq(t, string(kept), string(seen))
	for _, name := range []string{"seen.json", "synthesized", "shape"} {
		assert.NoFileExists(t, filepath.Join(w.source, name), "nothing ran here")
	}

	out, err = w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "unchanged", "Api": "unchanged", "Edge": "unchanged"}, actions(out))
}

// The packages in a cloud assembly are those of an asset, not those that were installed for the app.
func TestAnAssemblyOfTheWorkspaceHasThePackagesOfItsAssetsAfterHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runner = remotetest.Start(t)
	w.synthesizeInto(filepath.Join(w.source, "cdk.out"))
	folders, err := filepath.Glob(filepath.Join(w.source, "cdk.out", "asset.*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	packages := filepath.Join(folders[0], "node_modules", "left-pad")
	require.NoError(t, os.MkdirAll(packages, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(packages, "index.js"), []byte("module.exports = 1"), 0o644))
	w.write("cdk.json", `{"app": "cdk.out"}`)
	w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}, {name: Api}]
    hooks: {preDeploy: ["true"]}
`)
	_, err = w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Contains(t, strings.Join(slices.Collect(maps.Values(w.assetBucket().objects())), ""), "node_modules/left-pad/index.js")
}

// TestEveryEnvironmentIsCheckedByCommandsInAnotherContainer holds the check of all environments to the same.
func TestEveryEnvironmentIsCheckedByCommandsInAnotherContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runner = remotetest.Start(t)
	checked, err := w.checkWith(w.deps())
	require.NoError(t, err)
	assert.Empty(t, checked.Undeployed)
	assert.NoDirExists(t, filepath.Join(w.source, "cdk.out"))
}
