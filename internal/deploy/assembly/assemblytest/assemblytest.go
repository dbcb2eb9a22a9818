// Package assemblytest makes real cloud assemblies for tests: it runs small CDK
// apps with the aws-cdk-lib that the example pins.
package assemblytest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// NodeModules gives a folder with the npm packages that the example's lock file
// pins: the example's own, or else one in the user's cache, which it installs.
func NodeModules(t testing.TB) string {
	t.Helper()
	shop := filepath.Join(root(t), "examples", "shop")
	lock, err := os.ReadFile(filepath.Join(shop, "package-lock.json"))
	require.NoError(t, err)
	sum := sha256.Sum256(lock)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	cached := filepath.Join(cache, "aphex-pipeline", "cdk-"+hex.EncodeToString(sum[:6]))
	for _, dir := range []string{cached, shop} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", "cdk")); err == nil {
			return filepath.Join(dir, "node_modules")
		}
	}
	require.NoError(t, install(shop, cached), "install the example's packages first: npm ci --prefix examples/shop")
	return filepath.Join(cached, "node_modules")
}

func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, "/", dir, "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
}

// install puts the packages of the lock file into a folder that is whole when
// it has its name, as several tests may do this at once.
func install(shop, into string) error {
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(into), "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	for _, name := range []string{"package.json", "package-lock.json"} {
		src, err := os.ReadFile(filepath.Join(shop, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(temporary, name), src, 0o600); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	npm.Dir, npm.Stderr = temporary, os.Stderr
	if err := npm.Run(); err != nil {
		return err
	}
	err = os.Rename(temporary, into)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
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
