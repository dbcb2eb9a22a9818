package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestTheOutputsFileIsThatOfTheCDKCLIAndTheNamedOneHasEveryStack(t *testing.T) {
	stack := func(name, inCloudFormation, region string, outputs ...cfn.Output) deploy.Result {
		return deploy.Result{Stack: name, Name: inCloudFormation, Region: region, State: schedule.Done, Result: cfn.Result{Outputs: outputs}}
	}
	results := deploy.Results{
		stack("Alpha/Net", "Alpha-Net", "eu-west-1", cfn.Output{Key: "Url", Value: "https://a?b&c", Description: "Where", ExportName: "alpha-url"}),
		stack("Svc-eu-west-1", "Service", "eu-west-1", cfn.Output{Key: "Region", Value: "eu-west-1"}),
		stack("Svc-us-east-1", "Service", "us-east-1", cfn.Output{Key: "Region", Value: "us-east-1"}),
		stack("Svc-none", "Service", "us-east-2"),
		stack("Top", "Top", "eu-west-1"),
		{Stack: "Late", Name: "Late", State: schedule.Failed, Result: cfn.Result{Outputs: []cfn.Output{{Key: "Half"}}}},
	}
	dir := t.TempDir()
	in := Input{OutputsFile: filepath.Join(dir, "cli.json"), NamedOutputsFile: filepath.Join(dir, "named.json"), DetailedOutputsFile: filepath.Join(dir, "detailed.json")}
	_, err := Deps{}.keepOutputs(t.Context(), in, results)
	require.NoError(t, err)
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
`, read(in.OutputsFile))
	assert.JSONEq(t, `{"Alpha/Net":{"Url":"https://a?b&c"},"Svc-eu-west-1":{"Region":"eu-west-1"},"Svc-us-east-1":{"Region":"us-east-1"},"Svc-none":{},"Top":{}}`,
		read(in.NamedOutputsFile))
	assert.JSONEq(t, `{"Alpha/Net":{"Url":{"value":"https://a?b&c","description":"Where","exportName":"alpha-url"}},"Svc-eu-west-1":{"Region":{"value":"eu-west-1"}},
		"Svc-us-east-1":{"Region":{"value":"us-east-1"}},"Svc-none":{},"Top":{}}`, read(in.DetailedOutputsFile))
	require.Len(t, results.Collisions(), 1)
	assert.Contains(t, results.Collisions()[0], "Svc-eu-west-1 and Svc-us-east-1 are both named Service in CloudFormation")
}

func TestValuesOfFlagsThatAreNoAssignmentsAreRefused(t *testing.T) {
	for _, in := range []Input{{Parameters: []string{"x"}}, {Parameters: []string{"=x"}}, {Parameters: []string{"A:=x"}}, {Parameters: []string{":B=x"}}, {Context: []string{"x"}}, {Context: []string{"=x"}}, {Context: []string{"aws:x=y"}}} {
		_, err := in.values()
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "%v %v", in.Parameters, in.Context)
	}
}
