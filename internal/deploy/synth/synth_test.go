package synth_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// app makes a CDK app out of files; the command of most is a shell script.
func app(t *testing.T, files map[string]string) synth.Options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return synth.Options{
		Runner: proc.Runner{},
		App:    dir, Out: filepath.Join(t.TempDir(), "cdk.out"), Account: "111111111111", Region: "eu-west-1",
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home")},
	}
}

const (
	shellApp = `{"app": "sh app.sh"}`
	empty    = `echo '{"version":"55.0.0"}' > "$CDK_OUTDIR/manifest.json"` + "\n"
	dump     = `printf '%s' "$CDK_CONTEXT_JSON" > context.json; env > env.txt; ` + empty
)

func read(t *testing.T, o synth.Options, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(o.App, name))
	require.NoError(t, err)
	return string(src)
}

func TestTheAppReceivesTheContextOfTheCLI(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": shellApp, "app.sh": dump})
	o.Env = append(o.Env, "CDK_CONTEXT_JSON=stale", "CANARY=sings")
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, o.Out, a.Dir)
	env := read(t, o, "env.txt")
	for _, line := range []string{
		"CDK_OUTDIR=" + o.Out, "CDK_DEFAULT_ACCOUNT=111111111111", "CDK_DEFAULT_REGION=eu-west-1", "CDK_CLI_ASM_VERSION=55.0.0",
		"CDK_CLI_VERSION=2.1148.1", "PYTHONIOENCODING=utf-8", "CDK_VALIDATION=false", "CANARY=sings",
	} {
		assert.Contains(t, env, line+"\n")
	}
	assert.Contains(t, env, "CDK_ERROR_FILE=/")
	assert.JSONEq(t, `{"aws:cdk:enable-path-metadata":true,"aws:cdk:enable-asset-metadata":true,"aws:cdk:version-reporting":true,
		"aws:cdk:bundling-stacks":["**"],"@aws-cdk/core:failSynthOnValidationErrors":false}`, read(t, o, "context.json"))
}

func TestContextIsMergedFromAllFilesInTheCLIsOrder(t *testing.T) {
	o := app(t, map[string]string{
		"app.sh":           dump,
		"cdk.json":         `{"app": ["sh", "app.sh"], "versionReporting": false, "context": {"who": "project", "deep": {"a": 1}, "large": 12345678901234567890}}`,
		"cdk.context.json": `{"who": "saved", "zone": "z1", "deep": {"a": 2, "b": 2}}`,
		"home/.cdk.json":   `{"app": "false", "pathMetadata": false, "context": {"who": "user", "editor": "vi"}}`,
	})
	o.Context = map[string]any{"editor": "ours"}
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.JSONEq(t, `{"who":"project","zone":"z1","deep":{"a":1,"b":2},"editor":"ours","large":12345678901234567890,
		"aws:cdk:enable-asset-metadata":true,"aws:cdk:disable-version-reporting":true,
		"aws:cdk:bundling-stacks":["**"],"@aws-cdk/core:failSynthOnValidationErrors":false}`, read(t, o, "context.json"))
}

func TestALargeContextGoesIntoAFile(t *testing.T) {
	o := app(t, map[string]string{
		"cdk.json":         shellApp,
		"app.sh":           `cat "$CONTEXT_OVERFLOW_LOCATION_ENV" > overflow.json; ` + dump,
		"cdk.context.json": fmt.Sprintf(`{"a-large": %q, "small": "s"}`, strings.Repeat("x", 131072)),
	})
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Contains(t, read(t, o, "overflow.json"), `{"a-large":"xxxx`)
	assert.Contains(t, read(t, o, "context.json"), `"aws:cdk:enable-path-metadata":true`)
	assert.NotContains(t, read(t, o, "context.json"), "xxxx")
	assert.NoFileExists(t, envValue(read(t, o, "env.txt"), "CONTEXT_OVERFLOW_LOCATION_ENV"), "it is removed afterwards")
}

func envValue(env, name string) string {
	for line := range strings.Lines(env) {
		if value, found := strings.CutPrefix(line, name+"="); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestAJavaScriptFileNeedsNoInterpreterInTheCommand(t *testing.T) {
	script := `require('fs').writeFileSync(process.env.CDK_OUTDIR + '/manifest.json', JSON.stringify({version: '55.0.0', missing: []}))`
	for _, command := range []string{"bin/my app.js", `\"bin/my app.js\" --flag`, "bin/plain.js --flag"} {
		o := app(t, map[string]string{"cdk.json": `{"app": "` + command + `"}`, "bin/my app.js": script, "bin/plain.js": script})
		_, err := synth.Synthesize(t.Context(), o)
		require.NoError(t, err, command)
	}
}

func TestAnExecutableFileRunsByItself(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": `{"app": "./app.js"}`, "app.js": "#!/bin/sh\n" + empty})
	require.NoError(t, os.Chmod(filepath.Join(o.App, "app.js"), 0o755))
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
}

func TestTheBuildCommandRunsFirst(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": `{"build": "cp parts/app.sh app.sh", "app": "sh app.sh"}`, "parts/app.sh": empty})
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
}

func TestTheAppFindsTheProgramsOfItsPackages(t *testing.T) {
	workspace := t.TempDir()
	o := app(t, map[string]string{"cdk.json": `{"app": "ours && theirs"}`})
	o.App, o.Top = filepath.Join(workspace, "packages", "infra"), workspace
	for dir, program := range map[string]string{o.App: "ours", o.Top: "theirs"} {
		bin := filepath.Join(dir, "node_modules", ".bin")
		require.NoError(t, os.MkdirAll(bin, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+empty), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(o.App, "cdk.json"), []byte(`{"app": "ours && theirs"}`), 0o644))
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	o.Top = ""
	_, err = synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "exit code 127", "an app alone uses nothing above it")
}

func TestAFinishedAssemblyIsUsedUnchanged(t *testing.T) {
	o := app(t, map[string]string{"cdk.json": `{"app": "ready"}`, "ready/manifest.json": `{"version":"55.0.0"}`})
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(o.App, "ready"), a.Dir)
}

func TestErrorsOfAnAppAreReported(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		kind  errs.Kind
		says  string
		hint  string
	}{
		"it writes no assembly": {
			map[string]string{"cdk.json": shellApp, "app.sh": "exit 0"},
			errs.Failed, "in the folder infra succeeded but wrote no cloud assembly", "app.synth()",
		},
		"it fails with an error of JavaScript": {
			map[string]string{"cdk.json": shellApp, "app.sh": "printf 'x.js:1\\n  boom\\n\\nTypeError: no table\\n    at f (x.js:1)\\n\\nNode.js v20\\n' >&2; exit 7"},
			errs.Failed, "the CDK app failed (exit code 7): TypeError: no table", `run "sh app.sh" in the folder infra`,
		},
		"it fails and names its error": {
			map[string]string{"cdk.json": shellApp, "app.sh": `echo DuplicateStack > "$CDK_ERROR_FILE"; echo sorry >&2; exit 1`},
			errs.Failed, "the CDK app failed (exit code 1): DuplicateStack: sorry", "",
		},
		"it fails with an error of the CDK": {
			map[string]string{"cdk.json": shellApp, "app.sh": "printf 'at x.js\\n\\n[«TooLong» the name is too long\\n  at y]\\n\\nNode.js v20\\n' >&2; exit 1"},
			errs.Failed, "the CDK app failed (exit code 1): the name is too long", "",
		},
		"it fails with an error of the TypeScript compiler on standard output": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo before; echo \"bin/app.ts(3,27): error TS2561: 'descripton' does not exist.\"; echo after >&2; exit 2"},
			errs.Failed, "the CDK app failed (exit code 2): bin/app.ts(3,27): error TS2561: 'descripton' does not exist.\n" +
				"  last output:\n    before\n    bin/app.ts(3,27): error TS2561: 'descripton' does not exist.\n    after", `run "sh app.sh" in`,
		},
		"it fails with an error of the TypeScript compiler that names no file": {
			map[string]string{"cdk.json": shellApp, "app.sh": `printf "%s\n" "error TS2688: Cannot find type definition file for 'jest'." "  The file is in the program because:" "    Entry point of type library 'jest'"; exit 2`},
			errs.Failed, "the CDK app failed (exit code 2): error TS2688: Cannot find type definition file for 'jest'.", "",
		},
		"it fails in npm": {
			map[string]string{"cdk.json": shellApp, "app.sh": `printf "npm error %s\n" "code EMISSING" "" "Missing script: \"start\"" "To see a list of scripts, run:" "A complete log of this run can be found in: ~/.npm/_logs/x.log" >&2; exit 1`},
			errs.Failed, `the CDK app failed (exit code 1): Missing script: "start"`, "",
		},
		"an asset that is bundled in a container": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo '«FailedToBundleAsset» Failed to bundle asset S/A/Stage, bundle output is located at x-building: Error: spawnSync docker ENOENT' >&2; exit 1"},
			errs.Failed, "Failed to bundle asset S/A/Stage", `there is no program "docker" here: bundle it in a build command`,
		},
		"a program that is missing and bundles nothing": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo 'Error: spawnSync psql ENOENT' >&2; exit 1"},
			errs.Failed, "spawnSync psql ENOENT", "to see the same error",
		},
		"it fails in ts-node": {
			map[string]string{"cdk.json": shellApp, "app.sh": `printf "%s\n" "    return new TSError(text)" "TSError: ⨯ Unable to compile TypeScript:" "` + "\x1b[96mbin/app.ts\x1b[0m" + `:3:5 - error TS2304: Cannot find name 'x'." "    at f" >&2; exit 1`},
			errs.Failed, "(exit code 1): bin/app.ts:3:5 - error TS2304: Cannot find name 'x'.\n  last output:", "to see the same error",
		},
		"it fails to be read by tsx": {
			map[string]string{"cdk.json": shellApp, "app.sh": "printf 'Error [TransformError]: Transform failed with 1 error:\n/w/bin/app.ts:2:4: ERROR: Expected \")\"\n    at f\n' >&2; exit 1"},
			errs.Failed, `(exit code 1): /w/bin/app.ts:2:4: ERROR: Expected ")"` + "\n  last output:", "to see the same error",
		},
		"it lacks a package of Node.js": {
			map[string]string{"cdk.json": shellApp, "app.sh": "printf \"Error: Cannot find module 'aws-cdk-lib'\nRequire stack:\n- /w/app.js\n\" >&2; exit 1"},
			errs.Failed, "(exit code 1): Error: Cannot find module 'aws-cdk-lib'", `package "aws-cdk-lib" is not where the app ran`,
		},
		"it lacks a module of Node.js": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo \"Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'constructs' imported from /w/app.mjs\" >&2; exit 1"},
			errs.Failed, "(exit code 1)", `package "constructs" is not`,
		},
		"it lacks a program that npx would install": {
			map[string]string{"cdk.json": shellApp, "app.sh": `echo 'npm error npx canceled due to missing packages and no YES option: ["tsx@4.23.15"]' >&2; exit 1`},
			errs.Failed, "(exit code 1): npx canceled", `package "tsx" is not where the app ran`,
		},
		"it lacks a package of Python": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo \"ModuleNotFoundError: No module named 'aws_cdk'\" >&2; exit 1"},
			errs.Failed, "(exit code 1)", `package "aws_cdk" is not where the app ran`,
		},
		"it lacks a file of its own": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo \"Error: Cannot find module './lib/stack'\" >&2; exit 1"},
			errs.Failed, "(exit code 1)", `run "sh app.sh" in`,
		},
		"it fails as it reaches no package index": {
			map[string]string{"cdk.json": shellApp, "app.sh": "echo '[ERROR] java.net.UnknownHostException: maven.example.com' >&2; exit 1"},
			errs.Failed, "UnknownHostException: maven.example.com", "set proxy in the configuration",
		},
		"it fails in silence":             {map[string]string{"cdk.json": shellApp, "app.sh": "exit 3"}, errs.Failed, "it printed no error", ""},
		"its command is not there":        {map[string]string{"cdk.json": `{"app": "no-such-tool x"}`}, errs.Failed, "exit code 127", "check that the build commands install it"},
		"its build fails":                 {map[string]string{"cdk.json": `{"build": "exit 9", "app": "true"}`}, errs.Failed, "the build command in cdk.json failed (exit code 9)", ""},
		"cdk.json has no command":         {map[string]string{"cdk.json": `{}`}, errs.Invalid, "has no command for the CDK app", `add the key "app"`},
		"cdk.json is not JSON":            {map[string]string{"cdk.json": `app: x`}, errs.Invalid, "cdk.json: it is not valid JSON", ""},
		"cdk.context.json is not JSON":    {map[string]string{"cdk.json": shellApp, "cdk.context.json": "{"}, errs.Invalid, "cdk.context.json: it is not valid JSON", ""},
		"its assembly is of a new schema": {map[string]string{"cdk.json": shellApp, "app.sh": `echo '{"version":"77.0.0"}' > "$CDK_OUTDIR/manifest.json"`}, errs.Invalid, "schema 77.0.0", "pin an older aws-cdk-lib"},
		"its manifest is not JSON":        {map[string]string{"cdk.json": shellApp, "app.sh": `echo oops > "$CDK_OUTDIR/manifest.json"`}, errs.Invalid, "the cloud assembly of the CDK app in the folder infra: manifest.json: invalid character", ""},
		"it needs context while lookups are off": {
			map[string]string{"cdk.json": shellApp, "app.sh": `echo '{"version":"55.0.0","missing":[{"key":"vpc:a","provider":"vpc"},{"key":"az:b"}]}' > "$CDK_OUTDIR/manifest.json"`},
			errs.Invalid, "needs context that cdk.context.json lacks: vpc:a, az:b", "commit cdk.context.json, or allow lookups",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := app(t, c.files)
			o.Name = "the folder infra"
			_, err := synth.Synthesize(t.Context(), o)
			require.ErrorContains(t, err, c.says)
			if c.kind == errs.Failed {
				assert.NotContains(t, err.Error()+errs.HintOf(err), os.TempDir(), "that folder is gone when somebody reads the message")
			}
			assert.Equal(t, c.kind, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), c.hint)
		})
	}
}

func TestOutputIsPassedOn(t *testing.T) {
	var output bytes.Buffer
	o := app(t, map[string]string{"cdk.json": shellApp, "app.sh": "echo out; echo err >&2; echo out again; " + empty})
	o.Output = &output
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, "out\nerr\nout again\n", output.String())
}

func TestACancelledSynthesisIsReportedAsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := synth.Synthesize(ctx, app(t, map[string]string{"cdk.json": shellApp, "app.sh": "sleep 60"}))
	require.Error(t, err)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
}

func TestTheAppIsTheNearestFolderUpwardsWithACdkJson(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"infra/lib/stacks", "web/src"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "infra", "cdk.json"), []byte("{}"), 0o644))
	for _, path := range []string{"infra/lib/stacks/api.ts", "infra", "infra/", "./infra/lib"} {
		dir, err := synth.FindApp(root, path)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(root, "infra"), dir)
	}
	_, err := synth.FindApp(root, "web/src/x.ts")
	assert.ErrorContains(t, err, `no cdk.json in "web/src/x.ts" or a folder above it`)
	_, err = synth.FindApp(root, "../elsewhere")
	assert.ErrorContains(t, err, "points outside of the workspace")
	_, err = synth.FindApp(root, "/etc")
	assert.ErrorContains(t, err, "points outside of the workspace")
}
