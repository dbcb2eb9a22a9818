package synth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

// apart has the app run in another container, which gets it.
func apart(t *testing.T, o synth.Options) (synth.Options, *remotetest.Runner) {
	t.Helper()
	runner := remotetest.Start(t)
	require.NoError(t, runner.Send(t.Context(), o.App))
	o.Runner = runner
	o.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + runner.Place(filepath.Join(o.App, "home"))}
	return o, runner
}

func TestAnAppInAnotherContainerIsSynthesized(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 140<<10)
	script := `mkdir "$CDK_OUTDIR/asset.1"; echo code > "$CDK_OUTDIR/asset.1/file"; grep -q xxxx "$CONTEXT_OVERFLOW_LOCATION_ENV"
case "$CDK_CONTEXT_JSON" in *from-home*) ;; *) exit 4;; esac
` + empty
	o, runner := apart(t, app(t, map[string]string{
		"cdk.json": `{"app": "sh app.sh", "context": {"large": "` + large + `"}}`, "app.sh": script, "home/.cdk.json": `{"context": {"k": "from-home"}}`,
	}))
	a, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, o.Out, a.Dir)
	data, err := os.ReadFile(filepath.Join(a.Dir, "asset.1", "file"))
	require.NoError(t, err)
	assert.Equal(t, "code\n", string(data))
	assert.FileExists(t, filepath.Join(runner.Place(o.Out), "asset.1", "file"), "docker builds it there")
}

func TestAnAppInAnotherContainerThatFailsNamesItsError(t *testing.T) {
	t.Parallel()
	o, _ := apart(t, app(t, map[string]string{"cdk.json": shellApp, "app.sh": `echo DuplicateStack > "$CDK_ERROR_FILE"; echo sorry >&2; exit 1`}))
	_, err := synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "the CDK app failed (exit code 1): DuplicateStack: sorry")
	assert.NotContains(t, err.Error(), os.TempDir())

	o, _ = apart(t, app(t, map[string]string{"cdk.json": shellApp, "app.sh": `rm -r "$CDK_OUTDIR"`}))
	_, err = synth.Synthesize(t.Context(), o)
	require.ErrorContains(t, err, "wrote no cloud assembly")
}

func TestAFileOfAnAppInAnotherContainerIsInterpretedAsItIsThere(t *testing.T) {
	t.Parallel()
	script := `require('fs').writeFileSync(process.env.CDK_OUTDIR + '/manifest.json', JSON.stringify({version: '55.0.0', missing: []}))`
	o, _ := apart(t, app(t, map[string]string{"cdk.json": `{"app": "bin/my.js"}`, "bin/my.js": script}))
	require.NoError(t, os.RemoveAll(filepath.Join(o.App, "bin")))
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
}

func TestMissingContextIsLookedUpInTheOtherContainer(t *testing.T) {
	t.Parallel()
	missing := `if [ -e cdk.context.json ]; then ` + strings.TrimSpace(empty) + `; else echo '{"version":"55.0.0","missing":[{"key":"vpc:a","provider":"vpc"}]}' > "$CDK_OUTDIR/manifest.json"; fi`
	cli := "#!/bin/sh\necho '{\"vpc:a\":1}' > cdk.context.json; while [ $# -gt 1 ]; do shift; done; echo '{\"version\":\"55.0.0\"}' > \"$1/manifest.json\"\n"
	o, runner := apart(t, app(t, map[string]string{"cdk.json": shellApp, "app.sh": missing, "node_modules/.bin/cdk": cli}))
	require.NoError(t, os.Chmod(filepath.Join(runner.Place(o.App), "node_modules", ".bin", "cdk"), 0o755))
	o.Lookups = true
	_, err := synth.Synthesize(t.Context(), o)
	require.NoError(t, err)
	assert.JSONEq(t, `{"vpc:a":1}`, read(t, o, "cdk.context.json"), "the next synthesis reads it")
}
