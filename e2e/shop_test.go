package e2e

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASignedPushRunsTheWholePipelineOfTheShop(t *testing.T) {
	p := newPipeline(t, "shop", shop, func(p *pipeline) {
		p.replace("aphex-config.yaml", "clusterName: company-pipelines\n", "clusterName: company-pipelines\n"+p.onThisCluster())
	})
	p.push24 = true
	commit := p.push("Open the shop")
	run := p.finished(commit)

	t.Log("the run took", run.Status.FinishedAt.Sub(run.Status.StartedAt), run.table())
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "deploy-prod", "record"}, run.names())
	assert.NotEmpty(t, run.output("build", "digest"))
	p.shown(run, commit)

	for _, want := range []struct{ account, region, stack string }{
		{home, homeRegion, "DatabaseStack"},
		{home, homeRegion, "ApiStack"},
		{home, "us-east-1", "EdgeStack"},
		{other, "eu-central-1", "DatabaseStack"},
		{other, "eu-central-1", "ApiStack"},
		{other, "us-east-1", "EdgeStack"},
	} {
		assert.Equal(t, types.StackStatusCreateComplete, p.stack(want.account, want.region, want.stack).StackStatus, want)
	}

	bucket := "aphex-shop-pipeline-" + home + "-" + homeRegion
	var record struct {
		Status, Commit string
		Steps          []struct{ Step, Status string }
	}
	require.NoError(t, json.Unmarshal(p.object(bucket, "metadata/workflows/"+run.Metadata.Name+".json"), &record))
	assert.Equal(t, "Succeeded", record.Status)
	assert.Len(t, record.Steps, 7)
	assert.Equal(t, commit, record.Commit)
	var outputs map[string]map[string]string
	require.NoError(t, json.Unmarshal(p.object(bucket, commit+"/prod/outputs.json"), &outputs))
	assert.NotEmpty(t, outputs["ApiStack"])
}

// shown reads a run with Argo's command line, as users do.
func (p *pipeline) shown(run workflow, commit string) {
	p.t.Helper()
	shown := p.argo("get", run.Metadata.Name, "--output=json")
	for _, want := range []string{
		"Deploy example/shop, main at " + commit, "team-member", run.output("build", "digest"), run.output("deploy-prod", "outputs"), run.output("deploy-prod", "report"),
	} {
		assert.NotEmpty(p.t, want)
		assert.Contains(p.t, shown, want)
	}
	logs := p.argo("logs", run.Metadata.Name, "--no-color")
	for step, want := range map[string]string{
		"validator": "the configuration is valid", "builder": "npm run build", "deployer-environment-tester": "CREATE_COMPLETE", "record": "recorded the run",
	} {
		assert.Contains(p.t, logs, run.Metadata.Name+"-"+step)
		assert.Contains(p.t, logs, want)
	}
	assert.Contains(p.t, logs, "npm run --silent test:deployed", "the tests' log, too")
}

// onThisCluster returns the settings for this cluster: names, and preloaded images.
func (p *pipeline) onThisCluster() string {
	return `eventSourceName: ` + p.name + `-github
sensorName: ` + p.name + `-sensor
serviceAccountName: ` + p.name + `
validatorImage: aphex/validator:` + *tag + `
builderImage: aphex/builder:` + *tag + `
deployerImage: aphex/deployer:` + *tag + `
testerImage: aphex/tester:` + *tag + "\n"
}

func (p *pipeline) stack(account, region, name string) types.Stack {
	p.t.Helper()
	found, err := cloudformation.NewFromConfig(p.admin(account, region)).DescribeStacks(p.ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	require.NoError(p.t, err)
	return found.Stacks[0]
}

// object reads an object of a bucket of the pipeline's account.
func (p *pipeline) object(bucket, key string) []byte {
	p.t.Helper()
	found, err := s3.NewFromConfig(p.admin(home, homeRegion)).GetObject(p.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(p.t, err, key)
	defer found.Body.Close()
	content, err := io.ReadAll(found.Body)
	require.NoError(p.t, err)
	return content
}
