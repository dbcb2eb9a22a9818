package synth_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// realApp is a CDK app with the real construct library.
func realApp(t *testing.T, files map[string]string) synth.Options {
	o := app(t, files)
	require.NoError(t, os.Symlink(assemblytest.NodeModules(t), filepath.Join(o.App, "node_modules")))
	return o
}

// files gives the content of all files below dir by name, but for what the CLI adds.
func files(t *testing.T, dir string) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || entry.IsDir() || name == "validation-report.json" {
			return err
		}
		src, err := os.ReadFile(path)
		all[name] = string(src)
		return err
	}))
	return all
}

func TestTheAssemblyIsByteForByteThatOfTheCDKCLI(t *testing.T) {
	sink := os.DirFS("../assembly/testdata/apps/sink")
	o := realApp(t, map[string]string{"cdk.json": `{"app": "node app.js", "context": {"@aws-cdk/core:enablePartitionLiterals": true}}`})
	require.NoError(t, os.CopyFS(o.App, sink))
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Len(t, a.Stacks, 5)

	theirs := filepath.Join(t.TempDir(), "cdk.out")
	cli := exec.CommandContext(t.Context(), filepath.Join(o.App, "node_modules", ".bin", "cdk"),
		"synth", "--quiet", "--no-notices", "--no-validation", "--output", theirs)
	cli.Dir = o.App
	cli.Env = append(o.Env, "AWS_REGION=eu-west-1", "CDK_DEFAULT_ACCOUNT=111111111111",
		"AWS_EC2_METADATA_DISABLED=true", "CDK_DISABLE_CLI_TELEMETRY=true")
	output, err := cli.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Equal(t, files(t, theirs), files(t, o.Out))
}

const invalidApp = `const cdk = require('aws-cdk-lib');
const app = new cdk.App();
const bad = new cdk.Stack(app, 'Bad');
new cdk.CfnResource(bad, 'Bucket', { type: 'AWS::S3::Bucket', properties: { Nonsense: 1 } });
const good = new cdk.Stack(app, 'Good');
new cdk.CfnResource(good, 'Topic', { type: 'AWS::SNS::Topic' });
`

func TestValidationReportsOnTheSelectedStacks(t *testing.T) {
	strict := `{"app": "node app.js", "context": {"@aws-cdk/core:validateAgainstDefaultRules": true}}`
	o := realApp(t, map[string]string{"cdk.json": strict, "app.js": invalidApp})
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err, "the synthesis itself does not validate")
	assert.True(t, synth.Enforces(a))
	fast, err := synth.ReadReport(a.Dir, []string{"Bad", "Good"})
	require.NoError(t, err)
	assert.Empty(t, fast.Findings)

	report, err := synth.Validate(t.Context(), o, []string{"Bad"})
	require.NoError(t, err)
	require.ErrorContains(t, report.Err(), "the validation of the templates failed (CloudFormation Validate):\n  Bad/Bucket: Nonsense: Additional properties are not allowed")
	assert.Equal(t, errs.Failed, errs.KindOf(report.Err()))
	assert.Equal(t, "error", report.Findings[0].Severity)

	report, err = synth.Validate(t.Context(), o, []string{"Good"})
	require.NoError(t, err)
	assert.NoError(t, report.Err(), "what is wrong with another stack does not matter")
}

func TestWithoutTheFlagNoFindingOfTheRulesStopsADeployment(t *testing.T) {
	o := realApp(t, map[string]string{"cdk.json": `{"app": "node app.js"}`, "app.js": invalidApp})
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.False(t, synth.Enforces(a))
	report, err := synth.Validate(t.Context(), o, []string{"Bad", "Good"})
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.NotEmpty(t, report.Findings)
	assert.Equal(t, "warning", report.Findings[0].Severity)
}

func TestAnAppWithoutAFlagReportCountsAsStrict(t *testing.T) {
	assert.True(t, synth.Enforces(&assembly.Assembly{}))
	for value, enforced := range map[any]bool{true: true, "true": true, "yes": true, false: false, "false": false, nil: false} {
		assert.Equal(t, enforced, synth.Enforces(&assembly.Assembly{Flags: map[string]any{synth.EnforcingFlag: value}}), value)
	}
}

func TestValidationCanBeSwitchedOffAsWithTheCLI(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": `{"app": "exit 1"}`})
	o.Env = append(o.Env, "CDK_VALIDATION=false")
	report, err := synth.Validate(t.Context(), o, []string{"Any"})
	require.NoError(t, err)
	assert.Empty(t, report)
}

func TestAPluginThatBreaksFailsTheValidation(t *testing.T) {
	o := app(t, map[string]string{"validation-report.json": `{"pluginReports": [
		{"pluginName": "P", "conclusion": "failure", "metadata": {"error": "no rules"}, "violations": []},
		{"pluginName": "Q", "conclusion": "failure", "violations": [{"ruleName": "r", "description": "d", "severity": "custom", "customSeverity": "HIGH", "suggestedFix": "f", "violatingConstructs": []}]}]}`})
	report, err := synth.ReadReport(o.App, nil)
	require.NoError(t, err)
	assert.EqualError(t, report.Err(), "the validation of the templates failed (P, Q):\n  no rules (P)\n  d (Q r): f")
}

func TestTheCLILooksUpMissingContextIfAllowed(t *testing.T) {
	finds := `#!/bin/sh
while [ $# -gt 0 ]; do if [ "$1" = --output ]; then out=$2; fi; shift; done
echo '{"version":"55.0.0"}' > "$out/manifest.json"
`
	missing := `echo '{"version":"55.0.0","missing":[{"key":"vpc:a","props":{"account":"222222222222"}}]}' > "$CDK_OUTDIR/manifest.json"`
	o := app(t, map[string]string{"cdk.json": shellApp, "app.sh": missing, "node_modules/.bin/cdk": finds})
	o.Lookups = true
	cli := filepath.Join(o.App, "node_modules/.bin/cdk")
	require.NoError(t, os.Chmod(cli, 0o755))
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Empty(t, a.Missing)

	require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\nexit 0\n"), 0o755))
	_, err = synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "the CDK CLI could not look up context that the app needs: vpc:a")
	assert.Contains(t, errs.HintOf(err), "exists in account 222222222222 and", "the hint names the account")

	require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\necho 'Error: no credentials' >&2; exit 1\n"), 0o755))
	_, err = synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "the CDK CLI failed (exit code 1): Error: no credentials")

	require.NoError(t, os.Remove(cli))
	o.Env = []string{"PATH=/usr/bin:/bin"}
	_, err = synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "there is no CDK CLI to look it up: vpc:a")
}
