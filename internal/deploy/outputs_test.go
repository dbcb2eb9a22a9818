package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

func TestTheOutputsFileIsThatOfTheCDKCLIAndTheNamedOneHasEveryStack(t *testing.T) {
	stack := func(name, inCloudFormation, region string, outputs ...cfn.Output) Result {
		return Result{Stack: name, Name: inCloudFormation, Region: region, State: schedule.Done, Result: cfn.Result{Outputs: outputs}}
	}
	results := Results{
		stack("Alpha/Net", "Alpha-Net", "eu-west-1", cfn.Output{Key: "Url", Value: "https://a?b&c", Description: "Where", ExportName: "alpha-url"}),
		stack("Svc-eu-west-1", "Service", "eu-west-1", cfn.Output{Key: "Region", Value: "eu-west-1"}),
		stack("Svc-us-east-1", "Service", "us-east-1", cfn.Output{Key: "Region", Value: "us-east-1"}),
		stack("Svc-none", "Service", "us-east-2"),
		stack("Top", "Top", "eu-west-1"),
		{Stack: "Late", Name: "Late", State: schedule.Failed, Result: cfn.Result{Outputs: []cfn.Output{{Key: "Half"}}}},
	}
	dir := t.TempDir()
	to := OutputFiles{CLI: filepath.Join(dir, "cli.json"), Named: filepath.Join(dir, "named.json"), Detailed: filepath.Join(dir, "detailed.json")}
	outputs, err := results.EncodeOutputs()
	require.NoError(t, err)
	require.NoError(t, outputs.Write(to))
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, `{
  "Alpha-Net": {
    "Url": "https://a?b&c"
  },
  "Service": {
    "Region": "us-east-1"
  }
}
`, read(to.CLI))
	assert.JSONEq(t, `{"Alpha/Net":{"Url":"https://a?b&c"},"Svc-eu-west-1":{"Region":"eu-west-1"},"Svc-us-east-1":{"Region":"us-east-1"},"Svc-none":{},"Top":{}}`,
		read(to.Named))
	assert.JSONEq(t, `{"Alpha/Net":{"Url":{"value":"https://a?b&c","description":"Where","exportName":"alpha-url"}},"Svc-eu-west-1":{"Region":{"value":"eu-west-1"}},
		"Svc-us-east-1":{"Region":{"value":"us-east-1"}},"Svc-none":{},"Top":{}}`, read(to.Detailed))
	require.Len(t, results.Collisions(), 1)
	assert.Contains(t, results.Collisions()[0], "Svc-eu-west-1 and Svc-us-east-1 are both named Service in CloudFormation")
}
