package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cdkStandIn is the deployer in place of the CDK CLI, so that no npm package is
// needed. It sees some apps otherwise: one is deployed with another value, one
// fails before anything is deployed.
const cdkStandIn = `#!/bin/sh
test ! -e assembly/other || sed -i 's/"blue"/"red"/' assembly/Reader.json
test ! -e assembly/unlike || { echo "Error: the moon is in the way" >&2; exit 1; }
exec "$DEPLOYER" environment --environment dev --source . --log-format text --commit 0123456789012345678901234567890123456789
`

// pair is an assembly of two stacks: a name that is drawn in one of them is an output of the other.
var pair = map[string]string{
	"manifest.json": `{"version":"36.0.0","artifacts":{
		"Maker":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","properties":{"templateFile":"Maker.json"}},
		"Reader":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","properties":{"templateFile":"Reader.json"},"dependencies":["Maker"]}}}`,
	"Maker.json": `{"Resources":{"Bucket":{"Type":"AWS::S3::Bucket"}},"Outputs":{"Name":{"Value":{"Ref":"Bucket"},"Export":{"Name":"name"}}}}`,
	"Reader.json": `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":"blue"}}},
		"Outputs":{"Url":{"Value":{"Fn::Join":["",["https://",{"Fn::ImportValue":"name"},".example"]]}}}}`,
}

// assemblyIn writes the assembly into a folder, with other or further files.
func assemblyIn(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, all := range []map[string]string{pair, files} {
		for name, text := range all {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
}

func TestAppsAreComparedByWhatIsLeftAndByWhyTheyAreRefused(t *testing.T) {
	work := t.TempDir()
	o := options{deployer: filepath.Join(work, "deployer"), modules: filepath.Join(work, "modules"), limit: time.Minute, atOnce: 4}
	output, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", o.deployer, "../../../../cmd/deployer").CombinedOutput()
	require.NoError(t, err, string(output))
	t.Setenv("DEPLOYER", o.deployer)
	require.NoError(t, os.MkdirAll(filepath.Join(o.modules, ".bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(o.modules, ".bin", "cdk"), []byte(cdkStandIn), 0o755))
	folder := filepath.Join(work, "apps")
	bad := map[string]string{"Reader.json": `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"Nope":"x"}}}}`}
	assemblyIn(t, filepath.Join(folder, "1-alike"), nil)
	assemblyIn(t, filepath.Join(folder, "2-other"), map[string]string{"other": ""})
	assemblyIn(t, filepath.Join(folder, "3-bad"), bad)
	assemblyIn(t, filepath.Join(folder, "4-unlike"), map[string]string{"unlike": "", "Reader.json": bad["Reader.json"]})
	assemblyIn(t, filepath.Join(folder, "5-cdk-only"), map[string]string{"unlike": ""})

	results, err := o.compareAll(t.Context(), []string{folder})
	require.NoError(t, err)
	verdicts := map[string]string{}
	for _, r := range results {
		verdicts[r.App] = r.Verdict
	}
	assert.Equal(t, map[string]string{"1-alike": same, "2-other": differs, "3-bad": bothRefused, "4-unlike": forOther, "5-cdk-only": cliRefused}, verdicts, results)
	require.Len(t, results[1].Differences, 1)
	assert.Contains(t, results[1].Differences[0], "Stacks/111111111111/eu-west-1/Reader/Template: ")
	assert.Contains(t, results[3].Reasons[0], "cdk: Error: the moon is in the way")
	assert.Contains(t, results[3].Reasons[1], "extraneous key [Nope] is not permitted")
	for i, agrees := range []bool{true, false, true, false, false} {
		assert.Equal(t, agrees, results[i].agrees(), results[i].App)
	}

	var table strings.Builder
	require.NoError(t, o.print(&table, results))
	assert.Regexp(t, `(?m)^app +verdict +what\n1-alike +same *\n2-other +differs +Stacks/`, table.String())
	_, err = o.compareAll(t.Context(), []string{work})
	require.ErrorContains(t, err, "has a cdk.json or a manifest.json")
}

func TestReasonsAreTheSameWhereTheyQuoteTheSameWords(t *testing.T) {
	cli := reason("Steps: creating CloudFormation changeset...\nEarly validation failed for change set cdk-deploy-change-set:\nSteps/Bad  (AWS::IAM::Policy Bad)\n  required key [PolicyDocument] not found (at /Resources/Bad/Properties)\n")
	for name, c := range map[string]struct {
		ours string
		same bool
	}{
		"one finding":     {"error: the change set of stack \"Steps\" was refused before anything changed:\n  Bad (AWS::IAM::Policy, Steps/Bad): required key [PolicyDocument] not found", true},
		"another finding": {"error: the change set of stack \"Steps\" was refused before anything changed:\n  Bad (AWS::IAM::Policy, Steps/Bad): required key [Roles] not found", false},
		"no reason":       {"error: it failed", false},
	} {
		assert.Equal(t, c.same, sayTheSame(cli, reason(c.ours)), name)
	}
	assert.True(t, sayTheSame("no", "no"))
	long := reason(strings.Repeat("CREATE_FAILED long ago\n", 99) + "done\nError: now\nat x.js:1")
	assert.Equal(t, lastLines, strings.Count(long, "\n")+1)
	assert.Equal(t, "Error: now at x.js:1", shorten(reason("fine\nError: now\nat x.js:1\n")))
	assert.Len(t, []rune(shorten(strings.Repeat("ä", 500))), 301)
}

func TestASurveyCountsTheAppsWhoseStacksAreRecognizedAndNamesTheOthers(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"typescript/shop/cdk.json":                 `{"app": "npx tsx bin/shop.ts"}`,
		"typescript/shop/bin/shop.ts":              "import * as cdk from 'aws-cdk-lib';\nconst app = new cdk.App();\nnew cdk.Stack(app, 'Web');\n",
		"typescript/shop/node_modules/it/cdk.json": `{}`,
		"typescript/none/cdk.json":                 `{"app": "npx tsx bin/none.ts"}`,
		"python/odd/cdk.json":                      `{"app": `,
	} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	all, err := survey([]string{dir})
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, options{}.printSurvey(&text, all))
	assert.Contains(t, text.String(), "recognizes the stacks of 1 of 3 apps\n  python: 0 of 1\n  typescript: 1 of 2\n")
	assert.Regexp(t, `cdk\.json.*JSON.*:\n  python/odd\n`, text.String())
	assert.Contains(t, text.String(), "selects every stack:\n  typescript/none\n")
	require.Len(t, all, 3)
	assert.Equal(t, looked{App: "typescript/shop", Stacks: []string{"Web"}}, all[2])
	_, err = survey([]string{t.TempDir()})
	assert.ErrorContains(t, err, "no cdk.json in")
}
