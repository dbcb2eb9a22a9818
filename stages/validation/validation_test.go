package validation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

const good = `version: "1.0"
build: {commands: ["NODE_ENV=test npm ci", "cd app && npm run build", "./make.sh"]}
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api, path: lib/api.ts}]}
  - {name: prod, account: "222222222222", region: us-east-1, stacks: [{name: Api, path: lib/api.ts}]}
`

// app makes a folder with a CDK app and the configuration.
func app(t *testing.T, configuration string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o755))
	for name, text := range map[string]string{"cdk.json": "{}", "lib/api.ts": "", config.File: configuration} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// fit are accounts and tools that nothing is wrong with.
func fit() validation.Deps {
	return validation.Deps{
		Assume:           func(context.Context, config.Environment) error { return nil },
		BootstrapVersion: func(context.Context, config.Environment) (int, error) { return 30, nil },
		LookPath:         func(name string) (string, error) { return "/bin/" + name, nil },
	}
}

func validate(d validation.Deps, in validation.Input) (validation.Output, string, error) {
	var report bytes.Buffer
	if in.Config == "" {
		in.Config = config.File
	}
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Stdout: &report}
	out, err := validation.Run(context.Background(), d, frame, in)
	return out, report.String(), err
}

func TestACommitThatIsFitToRun(t *testing.T) {
	out, report, err := validate(fit(), validation.Input{Source: app(t, good)})
	require.NoError(t, err)
	assert.Empty(t, out.Findings)
	assert.Equal(t, "the commit is valid: no findings\n", report)
}

// TestACommitThatNamesAnAccountThatNoPersonApprovedIsValid is P7.
func TestACommitThatNamesAnAccountThatNoPersonApprovedIsValid(t *testing.T) {
	d := fit()
	d.Assume = func(_ context.Context, env config.Environment) error {
		if env.Name == "prod" {
			return errs.Failedf("the role may not be assumed").WithHint("bootstrap it")
		}
		return nil
	}
	for _, approved := range []string{"111111111111/eu-west-1", "111111111111=hnb659fds"} {
		out, report, err := validate(d, validation.Input{Source: app(t, good), Access: []string{approved}})
		require.NoError(t, err, "all other environments are deployed")
		require.Len(t, out.Findings, 1)
		assert.Equal(t, validation.Warning, out.Findings[0].Severity)
		assert.Contains(t, report, "warning: environment prod: no person has approved that the pipeline accesses account 222222222222 by its CDK bootstrap (hnb659fds)")
		assert.Contains(t, report, "fix: with this commit checked out, and credentials that may create roles: generator bootstrap")
	}

	_, _, err := validate(d, validation.Input{Source: app(t, good), Access: []string{"111111111111=hnb659fds", "222222222222=hnb659fds"}})
	require.ErrorContains(t, err, "the role may not be assumed", "a person has approved it")

	_, _, err = validate(d, validation.Input{Source: app(t, good), Access: []string{"333333333333=hnb659fds"}})
	require.ErrorContains(t, err, "account 111111111111", "no environment is left to deploy")
	assert.Contains(t, errs.HintOf(err), "generator bootstrap")
}

func TestALocalRunNeedsNoApprovalOfAnAccountAndChecksIt(t *testing.T) {
	d := fit()
	var (
		mu      sync.Mutex // environments are checked side by side
		assumed []string
	)
	d.Assume = func(_ context.Context, env config.Environment) error {
		mu.Lock()
		defer mu.Unlock()
		assumed = append(assumed, env.Name+" "+env.RoleARN)
		return nil
	}
	text := strings.Replace(good, "name: dev,", `name: dev, roleArn: "arn:aws:iam::111111111111:role/own",`, 1)
	require.NotEqual(t, good, text)
	out, report, err := validate(d, validation.Input{Source: app(t, text), Access: []string{"333333333333=hnb659fds"}, AllowLocal: true})
	require.NoError(t, err)
	assert.Empty(t, out.Findings, report)
	assert.ElementsMatch(t, []string{"dev arn:aws:iam::111111111111:role/own", "prod "}, assumed, "the rights are those of the person")
}

func TestARoleOfTheAccountsOwnIsLeftToItsDeployment(t *testing.T) {
	d := fit()
	d.Assume = func(_ context.Context, env config.Environment) error {
		if env.RoleARN != "" {
			return errs.Failedf("only the deployment may assume it")
		}
		return nil
	}
	text := "version: \"1.0\"\nenvironments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, roleArn: \"arn:aws:iam::111111111111:role/own\", stacks: [{name: A, path: .}]}\n"
	out, _, err := validate(d, validation.Input{Source: app(t, text), Access: []string{"arn:aws:iam::111111111111:role/own"}})
	require.NoError(t, err)
	assert.Empty(t, out.Findings)
	_, _, err = validate(d, validation.Input{Source: app(t, text)})
	assert.ErrorContains(t, err, "only the deployment may assume it", "a person's own credentials are asked")
}

func TestEverythingThatIsWrongIsReportedInOneRun(t *testing.T) {
	d := fit()
	d.Assume = func(_ context.Context, env config.Environment) error {
		if env.Name == "dev" {
			return errs.Failedf("the role cannot be assumed").WithHint("let it trust this account")
		}
		return nil
	}
	d.BootstrapVersion = func(context.Context, config.Environment) (int, error) { return 5, nil }
	d.LookPath = func(name string) (string, error) {
		if name == "npm" {
			return "", errors.New("not found")
		}
		return "/bin/" + name, nil
	}
	dir := app(t, good+"requiredContext: [vpc]\n")
	require.NoError(t, os.Remove(filepath.Join(dir, "lib/api.ts")))
	out, report, err := validate(d, validation.Input{Source: dir})

	var checks []string
	for _, finding := range out.Findings {
		checks = append(checks, finding.Check)
	}
	assert.Equal(t, []string{"app", "context", "tools", "account", "bootstrap"}, checks)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.ErrorContains(t, err, "and 4 more")
	assert.Contains(t, report, "environment dev (account 111111111111, eu-west-1): the role cannot be assumed\n  fix: let it trust this account\n")
	assert.Contains(t, report, "fix: cdk bootstrap aws://222222222222/us-east-1\n")
}

func TestAnInstalledWebhookOverPlainHTTPIsAWarning(t *testing.T) {
	const cluster = good + "githubOwner: my-org\ngithubRepo: shop\nclusterName: company\n"
	for text, warned := range map[string]bool{good: false, cluster: true, cluster + "webhookAllowHttp: true\n": false, cluster + "webhookService: ClusterIP\n": false} {
		out, report, err := validate(fit(), validation.Input{Source: app(t, text)})
		require.NoError(t, err)
		assert.Equal(t, warned, len(out.Findings) == 1, text)
		assert.Equal(t, warned, strings.Contains(report, "warning: aphex-config.yaml: the webhook is reached over plain HTTP"), report)
	}
}

func TestAnImageWhoseNameRefersToAnotherOneLaterIsAWarning(t *testing.T) {
	for image, warned := range map[string]bool{
		"example.test/builder": true, "example.test:5000/builder": true, "example.test/builder:latest": true, "example.test/builder:1.4": false,
		"example.test/builder:latest@sha256:" + strings.Repeat("0", 64): false, "public.ecr.aws/aphex/builder:latest": false, // the default is the release's
	} {
		out, report, err := validate(fit(), validation.Input{Source: app(t, good+"builderImage: "+image+"\n")})
		require.NoError(t, err)
		assert.Equal(t, warned, len(out.Findings) == 1, "%s: %s", image, report)
	}
}

func TestProblemsOfTheConfigurationAreFindingsWithTheirPosition(t *testing.T) {
	out, report, err := validate(fit(), validation.Input{Source: app(t, "version: \"1.0\"\nenvironmets: []\n"), Format: "json"})

	require.NotEmpty(t, out.Findings)
	var decoded struct{ Findings []validation.Finding }
	require.NoError(t, json.Unmarshal([]byte(report), &decoded))
	assert.Equal(t, out.Findings, decoded.Findings)
	assert.Regexp(t, `^aphex-config\.yaml:\d+:\d+$`, out.Findings[0].Where)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestARuleThatCannotBeEvaluatedIsAFindingWithItsPosition(t *testing.T) {
	text := strings.Replace(good, "name: dev,", "name: dev, policy: [{rule: '!plan.destructive', message: a}, {rule: plan.destroys, message: b}],", 1)
	require.NotEqual(t, good, text)
	out, report, err := validate(fit(), validation.Input{Source: app(t, text)})
	require.ErrorContains(t, err, "validation failed: aphex-config.yaml:")
	require.Len(t, out.Findings, 1)
	assert.Regexp(t, `^aphex-config\.yaml:[0-9]+:[1-9][0-9]*$`, out.Findings[0].Where)
	assert.Contains(t, report, "the rule is not valid: undefined field 'destroys' (line 1, column 5 of the rule)")
}

func TestAMissingConfigurationIsAFindingWithTheCommandToCreateOne(t *testing.T) {
	out, _, err := validate(fit(), validation.Input{Source: t.TempDir()})
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	require.Len(t, out.Findings, 1)
	assert.Contains(t, out.Findings[0].Fix, "generator init")
}

func TestARunWorthAnotherTryIsTemporaryOnlyIfNothingElseIsWrong(t *testing.T) {
	d := fit()
	d.Assume = func(_ context.Context, env config.Environment) error {
		if env.Name == "dev" {
			return errs.Temporaryf("throttled")
		}
		return nil
	}
	_, _, err := validate(d, validation.Input{Source: app(t, good)})
	assert.Equal(t, errs.Temporary, errs.KindOf(err))

	d.BootstrapVersion = func(context.Context, config.Environment) (int, error) { return 1, nil }
	_, _, err = validate(d, validation.Input{Source: app(t, good)})
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestOfflineContactsNoAccount(t *testing.T) {
	d := fit()
	d.Assume = func(context.Context, config.Environment) error { return errors.New("contacted") }
	_, _, err := validate(d, validation.Input{Source: app(t, good), Offline: true})
	assert.NoError(t, err)
}

func TestContextKeysAreReadFromBothFiles(t *testing.T) {
	dir := app(t, good+"requiredContext: [a, b]\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"context":{"a":1}}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.context.json"), []byte(`{"b":{}}`), 0o600))
	_, _, err := validate(fit(), validation.Input{Source: dir})
	assert.NoError(t, err)
}

func TestContextThatEveryEnvironmentSetsIsNotMissing(t *testing.T) {
	env := "  - {name: %s, account: \"111111111111\", region: eu-west-1, stacks: [{name: A, path: .}]%s}\n"
	config := func(more string) string {
		return "version: \"1.0\"\nrequiredContext: [a]\nenvironments:\n" + fmt.Sprintf(env, "dev", ", context: {a: 1}") + fmt.Sprintf(env, "prod", more)
	}
	_, _, err := validate(fit(), validation.Input{Source: app(t, config(", context: {a: null}"))})
	require.NoError(t, err)
	_, _, err = validate(fit(), validation.Input{Source: app(t, config(""))})
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "prod has none")
}

func TestAProgramOfTheAppsPackagesIsNotMissing(t *testing.T) {
	d := fit()
	d.LookPath = func(name string) (string, error) {
		if name == "sh" {
			return "/bin/sh", nil
		}
		return "", errors.New("not found")
	}
	dir := app(t, strings.Replace(good, "npm ci", "tsx build.ts", 1))
	_, _, err := validate(d, validation.Input{Source: dir})
	require.ErrorContains(t, err, `requires the program "tsx", which is not in PATH`)
	lock := `{"packages": {"node_modules/tsx": {"bin": {"tsx": "x"}}, "node_modules/npm": {"bin": {"npm": "x"}}}}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(lock), 0o600))
	_, _, err = validate(d, validation.Input{Source: dir})
	assert.NoError(t, err)
}

func TestWithoutAShellNoToolIsMissing(t *testing.T) {
	d := fit()
	d.LookPath = func(string) (string, error) { return "", errors.New("not found") }
	_, _, err := validate(d, validation.Input{Source: app(t, good)})
	assert.NoError(t, err)
}

func TestInputsThatNameNoWorkspaceOrTwoAreRefused(t *testing.T) {
	for _, in := range []validation.Input{
		{}, {Source: "a", Repository: "b"}, {Repository: "https://github.com/o/r"},
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()), in)
	}
}

func TestTheFormerVariableOfInstalledTemplatesIsRead(t *testing.T) {
	t.Setenv("APHEX_ENTRANCES", "111111111111/eu-west-1 arn:aws:iam::222222222222:role/deploy")
	var in validation.Input
	parser, err := kong.New(&in, kong.DefaultEnvars(contract.EnvPrefix))
	require.NoError(t, err)
	_, err = parser.Parse([]string{"--source", "."})
	require.NoError(t, err)
	assert.Equal(t, []string{"111111111111/eu-west-1", "arn:aws:iam::222222222222:role/deploy"}, in.Access)
}
