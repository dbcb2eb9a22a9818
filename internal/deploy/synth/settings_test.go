package synth_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// TestTheFilesOfTheCLIAreReadAsTheCLIReadsThem gives the same files to the real
// CDK CLI and to ours; the app must receive the same from both.
func TestTheFilesOfTheCLIAreReadAsTheCLIReadsThem(t *testing.T) {
	cases := map[string]map[string]string{
		"switches of the project": {"cdk.json": `{"app": "sh app.sh", "pathMetadata": false, "assetMetadata": false, "versionReporting": false,
			"staging": false, "bundlingStacks": ["One"], "output": "elsewhere", "lookups": false, "validation": true, "debug": true}`},
		"command as a list, after a build": {"cdk.json": `{"app": ["sh", "app.sh", "--flag"], "build": "echo built > built.txt"}`},
		"the user's app and switches":      {"cdk.json": `{"context": {"a": 1}, "pathMetadata": true}`, "home/.cdk.json": `{"app": "sh app.sh", "pathMetadata": false, "assetMetadata": false}`},
		"context in three files": {
			"cdk.json":         `{"app": "sh app.sh", "context": {"who": "project", "deep": {"a": 1, "l": [1]}, "null": null, "aws:cdk:enable-path-metadata": false}}`,
			"cdk.context.json": `{"who": "saved", "zone": "z1", "deep": {"a": 2, "b": 2, "l": [2, 3]}, "null": "saved"}`,
			"home/.cdk.json":   `{"context": {"who": "user", "editor": "vi", "deep": {"c": 3}}}`,
		},
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files["app.sh"] = dump + oneStack
			ours, theirs := app(t, files), app(t, files)
			_, err := synth.Synthesize(t.Context(), ours)
			require.NoError(t, err)
			runCLI(t, theirs)
			assert.JSONEq(t, read(t, theirs, "context.json"), read(t, ours, "context.json"))
			for _, variable := range []string{"CDK_CLI_ASM_VERSION", "CDK_CLI_VERSION", "CDK_DEBUG", "CDK_VALIDATION", "PYTHONIOENCODING", "JSII_HOST_STACK_TRACES", "CDK_DEFAULT_REGION"} {
				assert.Equal(t, envValue(read(t, theirs, "env.txt"), variable), envValue(read(t, ours, "env.txt"), variable), variable)
			}
			for _, o := range []synth.Options{ours, theirs} {
				_, err = os.Stat(filepath.Join(o.App, "built.txt"))
				assert.Equal(t, name == "command as a list, after a build", err == nil)
			}
		})
	}
}

func TestTagsAndTheBootstrapStackOfCdkJsonAreForTheDeployment(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		want  synth.Settings
	}{
		"nothing":       {map[string]string{"cdk.json": `{"tags": {"not": "a list"}}`}, synth.Settings{ToolkitStack: "CDKToolkit"}},
		"an empty list": {map[string]string{"cdk.json": `{"tags": []}`}, synth.Settings{ToolkitStack: "CDKToolkit"}},
		"of the user":   {map[string]string{"cdk.json": `{}`, "home/.cdk.json": `{"tags": [{"Key": "a", "Value": "1"}], "toolkitStackName": "T"}`}, synth.Settings{Tags: map[string]string{"a": "1"}, ToolkitStack: "T"}},
		"the project's go first": {
			map[string]string{"cdk.json": `{"tags": [{"Key": "b", "Value": "2"}], "toolkitStackName": "P"}`, "home/.cdk.json": `{"tags": [{"Key": "a", "Value": "1"}], "toolkitStackName": "T"}`},
			synth.Settings{Tags: map[string]string{"b": "2"}, ToolkitStack: "P"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := app(t, c.files)
			found, err := synth.ReadSettings(t.Context(), o)
			require.NoError(t, err)
			assert.Equal(t, c.want, found)
		})
	}
}

func TestABuildCommandOfTheUserIsRefusedAsByTheCLI(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": shellApp, "app.sh": empty, "home/.cdk.json": `{"build": "make"}`})
	_, err := synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, `has the key "build"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

// oneStack is the least that the CLI accepts.
const oneStack = `echo '{"Resources":{}}' > "$CDK_OUTDIR/One.json"
echo '{"version":"55.0.0","artifacts":{"One":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/eu-west-1","properties":{"templateFile":"One.json"}}}}' > "$CDK_OUTDIR/manifest.json"
`

// runCLI lets the CDK CLI synthesize the app.
func runCLI(t *testing.T, o synth.Options) {
	t.Helper()
	cli := exec.CommandContext(t.Context(), filepath.Join(assemblytest.NodeModules(t), ".bin", "cdk"),
		"synth", "--quiet", "--no-notices", "--no-validation", "--output", o.Out)
	cli.Dir = o.App
	cli.Env = append(o.Env, "AWS_REGION="+o.Region, "AWS_EC2_METADATA_DISABLED=true", "CDK_DISABLE_CLI_TELEMETRY=true")
	output, err := cli.CombinedOutput()
	require.NoError(t, err, string(output))
}
