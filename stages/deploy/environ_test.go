package deploy_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
)

// laden is a runner whose own environment has every kind of credentials for AWS.
type laden struct{ command.Runner }

func (l laden) Environ() []string {
	env := slices.DeleteFunc(l.Runner.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !slices.Contains([]string{"PATH", "HOME", "TMPDIR"}, name)
	})
	return append(env, "TMPDIR="+os.TempDir(), "APHEX_TOKEN=canary", "AWS_REGION=us-east-2", "AWS_ENDPOINT_URL_S3=http://s3.example",
		"AWS_ACCESS_KEY_ID=canary", "AWS_SECRET_ACCESS_KEY=canary", "AWS_SESSION_TOKEN=canary", "AWS_SECURITY_TOKEN=canary", "AWS_ACCESS_KEY=canary", "AWS_SECRET_KEY=canary",
		"AWS_PROFILE=canary", "AWS_DEFAULT_PROFILE=canary", "AWS_CONFIG_FILE=canary", "AWS_SHARED_CREDENTIALS_FILE=canary", "AWS_ROLE_ARN=canary",
		"AWS_ROLE_SESSION_NAME=canary", "AWS_WEB_IDENTITY_TOKEN_FILE=canary", "AWS_CONTAINER_CREDENTIALS_FULL_URI=canary", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=canary",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=canary", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=canary", "AWS_NEW_KIND_OF_CREDENTIALS=canary", "AWS_LOGIN_CACHE_DIRECTORY=canary")
}

// TestCommandsOfAnEnvironmentHaveAFixedListOfVariables compares the names of all variables of a hook and of an app.
func TestCommandsOfAnEnvironmentHaveAFixedListOfVariables(t *testing.T) {
	t.Parallel()
	const print = `env > seen && ! grep canary seen && echo variables $(cut -d= -f1 seen | sort) end; exit 3`
	common := []string{
		"AWS_ACCOUNT", "AWS_CONFIG_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_DEFAULT_REGION",
		"AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE",
		"BRANCH", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "CI", "COMMIT_SHA", "ENVIRONMENT_NAME", "HOME", "PATH", "PWD", "SHLVL",
		"STACK_OUTPUTS", "STACK_OUTPUTS_DETAILED", "STACK_OUTPUTS_JSON", "TMPDIR", "_",
	}
	ofApp := []string{"CDK_CLI_ASM_VERSION", "CDK_CLI_VERSION", "CDK_CONTEXT_JSON", "CDK_ERROR_FILE", "CDK_OUTDIR", "CDK_VALIDATION", "PYTHONIOENCODING"}
	for place, runner := range map[string]command.Runner{"processes": proc.Runner{}, "another container": remotetest.Start(t)} {
		for name, want := range map[string][]string{"hook": common, "app": slices.Concat(common, ofApp)} {
			w := newWorld(t)
			w.runner = laden{runner}
			hook := "echo hook"
			if name == "hook" {
				hook = "sh ./print.sh"
			}
			w.write("print.sh", print)
			w.write("cdk.json", `{"app": "sh ./print.sh"}`)
			w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}]
    hooks: {preDeploy: [` + hook + `]}
`)
			_, err := w.run("dev")
			require.ErrorContains(t, err, "exit code 3", "%s of %s: %s", name, place, w.out.String())
			_, line, _ := strings.Cut(w.out.String(), "\nvariables ")
			line, _, _ = strings.Cut(line, " end\n")
			got := slices.DeleteFunc(strings.Fields(line), func(name string) bool { return name == "OLDPWD" })
			slices.Sort(got)
			slices.Sort(want)
			assert.Equal(t, want, got, "%s of %s", name, place)
		}
	}
}

// TestHooksHaveVariablesAndATimeoutOfTheirOwn holds that apps do not get them.
func TestHooksHaveVariablesAndATimeoutOfTheirOwn(t *testing.T) {
	t.Parallel()
	const dev = `
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}]
    env: {STAGE: env, LEVEL: env}
    hooks: `
	w := newWorld(t)
	w.write("cdk.json", `{"app": "echo app $STAGE $LEVEL >&2; exit 3"}`)
	w.configure(dev + `{env: {STAGE: hooks}, preDeploy: ["echo hook $STAGE $LEVEL"]}`)
	_, err := w.run("dev")
	require.ErrorContains(t, err, "app env env")
	assert.Contains(t, w.out.String(), "\nhook hooks env\n")

	w.configure(dev + `{timeout: 1s, preDeploy: ["sleep 60"]}`)
	_, err = w.run("dev")
	require.ErrorContains(t, err, "pre-deploy hook of environment dev: ")
	require.ErrorContains(t, err, "at the end of the 1s of hooks.timeout")
}
