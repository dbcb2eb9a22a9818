// Package assemblytest makes real cloud assemblies for tests: it runs small CDK
// apps with the aws-cdk-lib that the example pins.
package assemblytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// NodeModules gives the folder with the example's npm packages. It fails the
// test when they are not installed, as a test without them would prove nothing.
func NodeModules(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, "/", dir, "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
	modules := filepath.Join(dir, "examples", "shop", "node_modules")
	_, err = os.Stat(filepath.Join(modules, "aws-cdk-lib", "package.json"))
	require.NoError(t, err, "install the example's packages first: npm ci --prefix examples/shop")
	return modules
}

// App copies the CDK app in dir to a folder of its own, with the packages beside it.
func App(t testing.TB, dir string) string {
	t.Helper()
	app := filepath.Join(t.TempDir(), "app")
	require.NoError(t, os.CopyFS(app, os.DirFS(dir)))
	require.NoError(t, os.Symlink(NodeModules(t), filepath.Join(app, "node_modules")))
	return app
}

// Synth runs `node app.js` in the folder app as a bare synthesis without stack
// traces, for account 111111111111 in eu-west-1, and gives the assembly's folder.
func Synth(t testing.TB, app string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "cdk.out")
	cmd := exec.CommandContext(t.Context(), "node", "app.js")
	cmd.Dir = app
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_VALIDATION=false",
		"CDK_DEFAULT_ACCOUNT=111111111111", "CDK_DEFAULT_REGION=eu-west-1", "CDK_CLI_ASM_VERSION=55.0.0",
		`CDK_CONTEXT_JSON={"aws:cdk:enable-path-metadata":true,"aws:cdk:enable-asset-metadata":true,`+
			`"aws:cdk:disable-stack-trace":true,"aws:cdk:disable-creation-stack-traces":true,"aws:cdk:bundling-stacks":["**"]}`)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	return out
}
