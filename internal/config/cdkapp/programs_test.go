package cdkapp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
)

func TestProgramsOfPackagesAreFoundAsNpxFindsThem(t *testing.T) {
	outside := t.TempDir()
	top := filepath.Join(outside, "repo")
	app := filepath.Join(top, "packages", "infra")
	place := map[string]string{
		"beside": filepath.Join(app, "node_modules", ".bin"), "hoisted": filepath.Join(top, "node_modules", ".bin"),
		"above": filepath.Join(outside, "node_modules", ".bin"), "machine": filepath.Join(outside, "usr", "bin"),
	}
	install := func(where string, programs ...string) {
		require.NoError(t, os.MkdirAll(place[where], 0o755))
		for _, name := range programs {
			require.NoError(t, os.WriteFile(filepath.Join(place[where], name), []byte("#!/bin/sh\necho "+where+"\n"), 0o755))
		}
	}
	install("machine", "node", "tsc", "tsx", "cdk")
	install("above", "cdk", "secret")
	env := cdkapp.Environ(top, app, []string{"PATH=" + place["machine"], "HOME=/x"})
	install("hoisted", "tsc", "tsx") // afterwards, as a build command does
	install("beside", "tsx")
	require.NoError(t, os.WriteFile(filepath.Join(place["beside"], "node"), []byte("no program"), 0o644))

	for program, where := range map[string]string{"tsx": "beside", "tsc": "hoisted", "cdk": "machine", "node": "machine"} {
		found, err := cdkapp.LookPath(program, env, exec.LookPath)
		require.NoError(t, err, program)
		assert.Equal(t, filepath.Join(place[where], program), found)
	}
	_, err := cdkapp.LookPath("secret", env, exec.LookPath)
	require.ErrorIs(t, err, exec.ErrNotFound, "nothing above the workspace is used")
	packages := filepath.Join(top, "packages")
	path := []string{
		place["beside"], filepath.Join(app, ".venv", "bin"),
		filepath.Join(packages, "node_modules", ".bin"), filepath.Join(packages, ".venv", "bin"),
		place["hoisted"], filepath.Join(top, ".venv", "bin"), place["machine"],
	}
	assert.Equal(t, []string{"HOME=/x", "PATH=" + strings.Join(path, ":")}, env)
}

func TestAFolderThatPATHCannotContainIsSkipped(t *testing.T) {
	cases := map[string]struct{ top, dir, path string }{
		"a colon in a name":        {"/w", "/w/a:b/c", "/w/node_modules/.bin:/w/.venv/bin:/bin"},
		"outside":                  {"/w", "/elsewhere", "/bin"},
		"a name that begins alike": {"/w", "/work", "/bin"},
		"the top itself":           {"/w", "/w/", "/w/node_modules/.bin:/w/.venv/bin:/bin"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{"PATH=" + c.path}, cdkapp.Environ(c.top, c.dir, []string{"PATH=/usr/bin", "PATH=/bin"}))
		})
	}
}

func TestWithoutAPathTheUsualFoldersStay(t *testing.T) {
	assert.Equal(t, []string{"PATH=/w/node_modules/.bin:/w/.venv/bin:/usr/local/bin:/usr/bin:/bin"}, cdkapp.Environ("/w", "/w", nil))
}

func TestProgramsThatTheBuildWillInstallAreKnownFromTheLockFile(t *testing.T) {
	lock := `{"lockfileVersion": 3, "packages": {"": {}, "node_modules/tsx": {"bin": {"tsx": "dist/cli.mjs"}}}}`
	cases := map[string]struct {
		files    map[string]string
		tsx, tsc bool
	}{
		"no packages":            {nil, false, false},
		"the lock file of npm":   {map[string]string{"package.json": "{}", "package-lock.json": lock}, true, false},
		"one of npm 6":           {map[string]string{"package.json": "{}", "package-lock.json": `{"lockfileVersion": 1, "dependencies": {}}`}, true, true},
		"another one":            {map[string]string{"package.json": "{}", "pnpm-lock.yaml": ""}, true, true},
		"a lock file that lies":  {map[string]string{"package.json": "{}", "package-lock.json": `{"packages": [1]}`}, true, true},
		"installed all the same": {map[string]string{"package-lock.json": lock, "node_modules/.bin/tsc": ""}, true, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
			assert.Equal(t, c.tsx, cdkapp.MayProvide(dir, "tsx"))
			assert.Equal(t, c.tsc, cdkapp.MayProvide(dir, "tsc"))
		})
	}
}
