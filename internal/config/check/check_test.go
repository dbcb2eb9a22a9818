package check_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/check"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

const head = "version: \"1.0\"\n"

// repository writes files into a git repository and returns the path of its configuration.
func repository(t *testing.T, configuration string, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for _, name := range files {
		write(name, "{}")
	}
	write(".git/HEAD", "ref: refs/heads/main\n")
	write("services/shop/aphex-config.yaml", configuration)
	return filepath.Join(dir, "services/shop/aphex-config.yaml")
}

func TestEachProblemHasThePlaceOfTheValueAtFault(t *testing.T) {
	const dev = "environments:\n  - name: dev\n    account: \"111111111111\"\n    region: eu-west-1\n"
	for name, test := range map[string]struct {
		text  string
		files []string
		lines []string // severity:line:column:path
	}{
		"a valid one":           {text: head + dev + "    stacks: [{name: Shop}]\n", files: []string{"services/shop/cdk.json"}},
		"a misspelt key":        {text: head + dev + "    stack: [{name: Shop}]\n", lines: []string{"error:6:5:environments[0].stack"}},
		"no app":                {text: head + dev + "    stacks: [{name: Shop}]\n", lines: []string{"error:6:14:environments[0].stacks[0].path"}},
		"no such path":          {text: head + dev + "    stacks: [{name: Shop, path: lib/shop.ts}]\n", lines: []string{"error:6:33:environments[0].stacks[0].path"}},
		"a stack for all":       {text: head + "stacks:\n  - {name: Shop, path: lib}\n" + dev, lines: []string{"error:3:24:stacks[0].path"}},
		"missing context":       {text: head + "requiredContext: [vpc]\n" + dev + "    stacks: [{name: Shop}]\n", files: []string{"services/shop/cdk.json"}, lines: []string{"error:2:18:requiredContext"}},
		"an image that changes": {text: head + "builderImage: example.com/builder\n" + dev + "    stacks: [{name: Shop, path: x}]\n", lines: []string{"warning:2:15:builderImage", "error:7:33:environments[0].stacks[0].path"}},
		"a rule of no member":   {text: head + dev + "    stacks: [{name: Shop}]\n    policy: [{rule: \"plan.stacks.all(s, s.nam == '')\", message: x}]\n", files: []string{"services/shop/cdk.json"}, lines: []string{"error:7:21:environments[0].policy[0].rule"}},
		"no YAML":               {text: "a: [", lines: []string{"error:2:1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := repository(t, test.text, test.files...)
			var places []string
			for _, p := range check.File(file) {
				assert.Equal(t, file, p.File)
				assert.NotEmpty(t, p.Message)
				places = append(places, fmt.Sprintf("%s:%d:%d:%s", p.Severity, p.Line, p.Column, p.Path))
			}
			assert.Equal(t, test.lines, places)
		})
	}
}

// CloudFormation would refuse the stack of the pipeline when a person installs it.
func TestAStackOfThePipelineThatAWSHasNoRoomForIsAProblem(t *testing.T) {
	text := head + "githubOwner: o\ngithubRepo: r\nclusterName: c\nwebhookService: ClusterIP\nenvironments:\n"
	for i := range 200 {
		text += fmt.Sprintf("  - {name: e%[1]d, account: \"%[2]d\", region: eu-west-1, roleArn: \"arn:aws:iam::%[2]d:role/r\", stacks: [{name: S}]}\n", i, 300000000000+i)
	}
	found := check.File(repository(t, text, "cdk.json"))
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Message, "the environments use 200 accounts and roles, for which the template of stack")
	assert.Contains(t, found[0].Message, "the limit of CloudFormation is 200")
}

func TestOnlyErrorsFailTheCheck(t *testing.T) {
	const image = head + "builderImage: example.com/builder\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Shop}]}]\n"
	warned, wrong := repository(t, image, "cdk.json"), repository(t, image)
	out, log, err := runs(check.Options{FileFlag: config.FileFlag{Config: warned}})
	require.NoError(t, err)
	assert.Contains(t, out, "aphex-config.yaml:2:15: warning: ")
	assert.Empty(t, log)
	_, _, err = runs(check.Options{FileFlag: config.FileFlag{Config: "not read"}, Files: []string{warned, wrong}})
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.EqualError(t, err, "1 error in "+warned+", "+wrong)
}

// runs runs the verb.
func runs(o check.Options) (stdout, stderr string, err error) {
	var out, log bytes.Buffer
	std := stdio.Streams{Out: &out, Err: &log}
	err = o.Run(std, stdio.Raw(std))
	return out.String(), log.String(), err
}

func TestAFileThatIsNotThereIsAProblem(t *testing.T) {
	found := check.File(filepath.Join(t.TempDir(), "no.yaml"))
	require.Len(t, found, 1)
	assert.Equal(t, "no such file", found[0].Message)
	assert.Contains(t, found[0].Hint, "generator init")
}

// Whoever opens a pull request writes its configuration, and each line of the output that begins with :: is a command
// to GitHub Actions.
func TestNoTextOfAConfigurationIsACommandToGitHubActions(t *testing.T) {
	const command = "::set-env name=A::x"
	for _, text := range []string{
		head + "\"x\\n" + command + "\": 1\n",
		head + "stacks: [{name: \"x\\r" + command + "\", path: \"x\\n" + command + "\"}]\n",
		"version: |\n  \n" + command + "\n",
		command + "\n",
		head + "environments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Shop, path: \"" + command + "\"}]}]\n",
		head + "validatorImage: \"a\\n" + command + "\"\n",
	} {
		file := repository(t, text)
		found := check.File(file)
		require.NotEmpty(t, found, text)
		plain, _, err := runs(check.Options{FileFlag: config.FileFlag{Config: file}})
		require.Error(t, err)
		annotated, _, err := runs(check.Options{FileFlag: config.FileFlag{Config: file}, Annotations: true})
		require.Error(t, err)
		annotations, complete := strings.CutSuffix(annotated, plain)
		require.True(t, complete, annotated)
		assert.Equal(t, len(found), strings.Count(annotations, "\n"), annotations)
		for line := range strings.Lines(strings.ReplaceAll(annotated, "\r", "\n")) {
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "::") {
				assert.Regexp(t, `^::(error|warning) file=services/shop/aphex-config\.yaml(,line=\d+,col=\d+)?::`, trimmed)
			}
		}
	}
}
