package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func TestAnEnvironmentIsDeployedAndASecondTimeNothingChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.validated()
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	assert.Equal(t, commit+"/dev/outputs.json", out.Outputs)
	var outputs map[string]map[string]string
	require.NoError(t, json.Unmarshal([]byte(w.stored.Document(out.Outputs)), &outputs))
	assert.Equal(t, "us-east-1", outputs["Edge"]["Region"])
	assert.NotEmpty(t, outputs["Data"]["OrdersName"])
	assert.Contains(t, w.stored.Document(commit+"/dev/outputs-detailed.json"), `"description": "name of the queue"`)

	w.ForgetCalls()
	out, err = w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Data": "unchanged", "Api": "unchanged", "Edge": "unchanged"}, actions(out))
	assert.Zero(t, w.Calls()["cloudformation:CreateChangeSet"])
	assert.Equal(t, 6, out.Summary.Calls)
	assert.Equal(t, outputs["Edge"], map[string]string{"Region": "us-east-1"})
}

func TestAnotherAccountIsDeployedThroughItsBootstrapRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(`
  - name: prod
    account: "222222222222"
    region: eu-central-1
    concurrency: 3
    stacks: [{name: Data}, {name: Api}, {name: Edge}]
    hooks:
      preDeploy: [node -e "if (!process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI || process.env.AWS_ACCESS_KEY_ID) process.exit(1)", test "$ENVIRONMENT_NAME" = prod]
      postDeploy: [cp "$STACK_OUTPUTS" seen.json, test "$OUTPUT_EDGE_REGION" = us-east-1]
`)
	out, err := w.run("prod", func(in *deploy.Input) { in.NamedOutputsFile = filepath.Join(w.source, "outputs.json") })
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	seen, err := os.ReadFile(filepath.Join(w.source, "seen.json"))
	require.NoError(t, err)
	kept, err := os.ReadFile(filepath.Join(w.source, "outputs.json"))
	require.NoError(t, err)
	assert.JSONEq(t, string(kept), string(seen))
	callers := map[string]bool{}
	for _, record := range w.History() {
		if record.Service == "cloudformation" && record.Operation == "CreateChangeSet" {
			callers[record.Caller] = true
		}
	}
	assert.Contains(t, callers, "arn:aws:sts::222222222222:assumed-role/cdk-hnb659fds-deploy-role-222222222222-eu-central-1/aphex-prod-run-1")
}

func TestAFolderReplacesTheBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := t.TempDir()
	packed, err := bucket.Pack(t.Context(), w.source, func(string) bool { return false })
	require.NoError(t, err)
	defer packed.Remove()
	_, err = bucket.OpenDirectory(folder).Save(t.Context(), packed, bucket.Metadata{Commit: commit})
	require.NoError(t, err)
	out, err := w.run("dev", func(in *deploy.Input) { in.Source, in.Bucket, in.ArtifactDir = "", "", folder })

	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	kept, err := os.ReadFile(filepath.Join(folder, out.Outputs))
	require.NoError(t, err)
	assert.Contains(t, string(kept), "us-east-1")
	assert.FileExists(t, filepath.Join(folder, bucket.DurationsKey("dev")))
}
