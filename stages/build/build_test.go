package build_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remove/nobody"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/build"
)

const commit = "0123456789012345678901234567890123456789"

func source(t *testing.T, buildSection string) string {
	t.Helper()
	dir := t.TempDir()
	text := "version: \"1.0\"\nbuild: " + buildSection + `
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.File), []byte(text), 0o600))
	return dir
}

// world notes what the stage did with its surroundings.
type world struct {
	runner   command.Runner // nil runs processes
	log      bytes.Buffer
	stored   bucket.Metadata
	files    []string
	checkout checkout.Options
	token    string
	assume   func(context.Context, stage.Frame, string) ([]string, func(), error)
}

// artifacts is a bucket that notes what is stored in it.
type artifacts struct {
	*buckettest.Memory
	w *world
}

func (a artifacts) Save(ctx context.Context, p bucket.Packed, m bucket.Metadata) (bucket.Metadata, error) {
	m.Key, m.Digest = bucket.ArtifactKey(m.Commit, p.Digest), p.Digest
	a.w.stored = m
	return m, a.w.unpack(ctx, p)
}

func (w *world) deps(dir string, in build.Input) build.Deps {
	return build.Deps{
		Runner: cmp.Or(w.runner, command.Runner(proc.Runner{})),
		Assume: w.assume, Secrets: clients.Secrets,
		Commits: checkout.Commits{
			Token: func(context.Context) (string, error) { return w.token, nil },
			CheckOut: func(ctx context.Context, o checkout.Options) (checkout.Checkout, error) {
				w.checkout = o
				return checkout.Checkout{Commit: o.Commit, Submodules: []checkout.Submodule{{Path: "lib", Commit: commit}}}, os.CopyFS(o.Dir, os.DirFS(dir))
			},
		},
		Bucket: buckettest.Opened(artifacts{w: w}, in.Bucket, in.ArtifactDir),
	}
}

// unpack lists what was packed.
func (w *world) unpack(ctx context.Context, p bucket.Packed) error {
	file, err := os.Open(p.File)
	if err != nil {
		return err
	}
	defer file.Close()
	dir, err := os.MkdirTemp("", "unpacked-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := archive.Unpack(ctx, file, p.Size, dir, limits.Budget{}, nil); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		w.files = append(w.files, entry.Name())
	}
	return err
}

func run(t *testing.T, w *world, dir string, in build.Input) (build.Output, error) {
	t.Helper()
	in.Commit, in.Config, in.Bucket = commit, config.File, "artifacts"
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.log, Redactor: redact.New()}
	return build.Run(t.Context(), w.deps(dir, in), frame, in)
}

func TestTheWorkspaceIsPackedAfterTheCommands(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["mkdir artifacts && echo $COMMIT_SHA > artifacts/sha", "test -e artifacts/sha"]}`)
	out, err := run(t, &w, dir, build.Input{Source: dir})

	require.NoError(t, err, w.log.String())
	assert.Equal(t, build.Output{Artifact: w.stored.Key, Digest: w.stored.Digest}, out)
	assert.Equal(t, []string{config.File, "artifacts"}, w.files)
	sum := sha256.Sum256([]byte(commit + "\n"))
	assert.Equal(t, []bucket.File{{Path: "artifacts/sha", Size: 41, SHA256: hex.EncodeToString(sum[:])}}, w.stored.Artifacts)
	assert.Len(t, w.stored.Commands, 2)
	assert.NotEmpty(t, w.stored.Tools["builder"])
	assert.NoDirExists(t, filepath.Join(dir, "artifacts"), "the source itself is not built in")
}

func TestAToolThatLeavesAChildRunningDoesNotBlockTheBuild(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\nsleep 60 &\necho $! > "+bin+"/child\necho version 1\n"), 0o755))
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	var w world
	dir := source(t, `{commands: ["mkdir artifacts"]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})
	require.NoError(t, err, w.log.String())
	assert.Equal(t, "version 1", w.stored.Tools["docker"])
	child, err := os.ReadFile(filepath.Join(bin, "child"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(child)))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, 5*time.Second, 10*time.Millisecond, "it was ended with the tool")
}

func TestABrokenCommandStopsTheBuildAndNothingIsStored(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["echo cause of it; exit 4", "touch never"]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})

	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error(), "last output:\n    cause of it")
	assert.Empty(t, w.files)
}

func TestAMissingArtifactIsNamed(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["true"], artifacts: ["dist/*.js"]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})

	assert.ErrorContains(t, err, `"dist/*.js"`)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
}

func TestWithoutABucketTheArtifactIsKeptInAFolder(t *testing.T) {
	var w world
	dir, kept := source(t, `{commands: ["true"]}`), t.TempDir()
	in := build.Input{Commit: commit, Config: config.File, Source: dir, ArtifactDir: kept}
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Out: &w.log, Redactor: redact.New()}
	out, err := build.Run(t.Context(), w.deps(dir, in), frame, in)

	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(kept, filepath.FromSlash(out.Artifact)))
	assert.FileExists(t, filepath.Join(kept, commit, "artifact.json"))
}

func TestAFolderInTheSourceKeepsArtifactsButIsNotPackedItself(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["test ! -e built"]}`)
	in := build.Input{Commit: commit, Config: config.File, Source: dir, ArtifactDir: filepath.Join(dir, "built")}
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Out: &w.log, Redactor: redact.New()}
	first, err := build.Run(t.Context(), w.deps(dir, in), frame, in)
	require.NoError(t, err, w.log.String())
	second, err := build.Run(t.Context(), w.deps(dir, in), frame, in)
	require.NoError(t, err, w.log.String())
	assert.Equal(t, first, second)
}

func TestAFolderThatCannotKeepTheArtifactIsFoundBeforeTheBuild(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["echo the build has begun"]}`)
	in := build.Input{Commit: commit, Config: config.File, Source: dir, ArtifactDir: "/proc/built"}
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Out: &w.log, Redactor: redact.New()}
	_, err := build.Run(t.Context(), w.deps(dir, in), frame, in)

	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.ErrorContains(t, err, "/proc/built")
	assert.NotContains(t, w.log.String(), "begun")
}

func TestTheDefaultArtifactsAreOptional(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["true"]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})
	assert.NoError(t, err)
}

func TestARepositoryIsCheckedOutWithItsTokenWhichIsMasked(t *testing.T) {
	w := world{token: "canary-token-1234"}
	dir := source(t, `{commands: ["echo canary-token-1234; echo $REPOSITORY $BRANCH"]}`)
	_, err := run(t, &w, dir, build.Input{Repository: "https://github.com/o/r", Branch: "$(id)", Host: "github.com"})

	require.NoError(t, err)
	assert.Equal(t, "canary-token-1234", w.checkout.Token)
	assert.Equal(t, "github.com", w.checkout.Host)
	assert.NotContains(t, w.log.String(), "canary-token-1234")
	assert.Contains(t, w.log.String(), "https://github.com/o/r $(id)")
	assert.Contains(t, w.log.String(), "submodules are not fetched; these folders are empty: \"lib\"")
}

func TestInputsThatDoNotFitTogetherAreRefused(t *testing.T) {
	for name, in := range map[string]build.Input{
		"no workspace":       {Commit: commit, Bucket: "b"},
		"two workspaces":     {Commit: commit, Bucket: "b", Source: "s", Repository: "r"},
		"no place":           {Commit: commit, Source: "s"},
		"two places":         {Commit: commit, Source: "s", Bucket: "b", ArtifactDir: "d"},
		"an option":          {Commit: "-x", Source: "s", Bucket: "b"},
		"a branch's name":    {Commit: "main", Source: "s", Bucket: "b"},
		"half of the digits": {Commit: commit[:20], Source: "s", Bucket: "b"},
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()), name)
	}
}

func TestFoldersThatABuildClosedArePackedAndRemoved(t *testing.T) {
	if !nobody.Runs(t) {
		return
	}
	t.Setenv("TMPDIR", t.TempDir())
	var w world
	dir := source(t, `{commands: ["mkdir -p cache/m/sub && echo x > cache/m/sub/f && chmod 555 cache/m/sub cache/m cache && chmod 444 cache/m/sub/f"]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})
	require.NoError(t, err, w.log.String())
	assert.Contains(t, w.files, "cache")
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestEachArtifactIsListedOnceAndNothingThatIsNotPacked(t *testing.T) {
	const makes = `mkdir -p dist/sub reports .git .aphex && for f in dist/a.js dist/sub/b.js reports/junit.xml .git/HEAD .aphex/state; do echo x > $f; done`
	for name, c := range map[string]struct {
		patterns string
		want     []string
		says     string
	}{
		"a folder and files in it": {`[dist, "dist/*.js", "*/*.js"]`, []string{"dist/a.js", "dist/sub/b.js"}, ""},
		"folders in each other":    {`[dist/sub, dist]`, []string{"dist/a.js", "dist/sub/b.js"}, ""},
		"all":                      {`["*"]`, []string{config.File, "dist/a.js", "dist/sub/b.js", "reports/junit.xml"}, ""},
		"the top":                  {`[.]`, []string{config.File, "dist/a.js", "dist/sub/b.js", "reports/junit.xml"}, ""},
		"version control":          {`[.git]`, nil, `".git"`},
		"what local runs keep":     {`[dist, ".aphex/*"]`, nil, `".aphex/*"`},
	} {
		var w world
		dir := source(t, `{commands: ["`+makes+`"], artifacts: `+c.patterns+`}`)
		_, err := run(t, &w, dir, build.Input{Source: dir})
		if c.says != "" {
			assert.ErrorContains(t, err, c.says, name)
			continue
		}
		require.NoError(t, err, name)
		var paths []string
		for _, file := range w.stored.Artifacts {
			paths = append(paths, file.Path)
		}
		assert.Equal(t, c.want, paths, name)
	}
}

func TestArtifactsWithNamesThatDifferOnlyInCaseAreReported(t *testing.T) {
	var w world
	dir := source(t, `{commands: ["mkdir dist && touch dist/Main.js dist/main.js dist/other.js"], artifacts: [dist]}`)
	_, err := run(t, &w, dir, build.Input{Source: dir})
	require.NoError(t, err)
	assert.Contains(t, w.log.String(), `dist/Main.js`)
	assert.Contains(t, w.log.String(), "differ only in case")
	assert.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"))
}

func TestTheArtifactCannotBeStoredInTheSource(t *testing.T) {
	for folder, refused := range map[string]bool{"/app": true, "/app/": true, "/app/built": false, "/built": false} {
		err := build.Input{Commit: commit, Source: "/app", ArtifactDir: folder}.Validate()
		assert.Equal(t, refused, err != nil, folder)
	}
}

func TestABuildThatChangesTheConfigurationFails(t *testing.T) {
	for name, command := range map[string]string{
		"another account":     `sed -i s/111111111111/222222222222/ aphex-config.yaml`,
		"no file":             `rm aphex-config.yaml`,
		"a link to another":   `cp aphex-config.yaml other && echo >> other && ln -sf other aphex-config.yaml`,
		"a folder in between": `rm aphex-config.yaml && mkdir aphex-config.yaml`,
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			_, err := run(t, &w, source(t, `{commands: [`+strconv.Quote(command)+`]}`), build.Input{Repository: "https://github.com/my-org/my-app.git"})
			require.EqualError(t, err, "the build changed aphex-config.yaml, but a run uses the file of its commit")
			assert.Equal(t, errs.Failed, errs.KindOf(err))
			assert.Empty(t, w.stored.Key, "nothing is stored")
		})
	}
	var w world
	_, err := run(t, &w, source(t, `{commands: ["mkdir artifacts && sed s/111111111111/222222222222/ aphex-config.yaml > another-file.yaml"]}`), build.Input{Repository: "https://github.com/my-org/my-app.git"})
	require.NoError(t, err, "it may write another file")
}

func TestACommitWhoseConfigurationIsNotTheOneThatWasValidatedIsNotBuilt(t *testing.T) {
	dir := source(t, `{commands: ["echo built >> ran"]}`)
	validated, err := config.DigestOf(dir, config.File)
	require.NoError(t, err)
	in := build.Input{Repository: "https://github.com/my-org/my-app.git", ConfigDigest: validated}
	var w world
	_, err = run(t, &w, dir, in)
	require.NoError(t, err)
	in.ConfigDigest = config.Digest([]byte("another"))
	w = world{}
	_, err = run(t, &w, dir, in)
	require.ErrorContains(t, err, "aphex-config.yaml is not the file of the commit: its digest is "+validated)
	assert.Empty(t, w.stored.Key)
}

func TestBuildCommandsGetTheVariablesOfTheConfigurationAndTheTimeToRun(t *testing.T) {
	t.Parallel()
	w := &world{}
	dir := source(t, `{env: {STAGE: "a $b 'c'", COUNT: 007}, commands: ['printf "%s|%s|%s" "$STAGE" "$COUNT" "$COMMIT_SHA" > seen', "grep -qF \"a \\$b 'c'|007|`+commit+`\" seen"]}`)
	_, err := run(t, w, dir, build.Input{Source: dir})
	require.NoError(t, err, w.log.String())

	dir = source(t, `{timeout: 1s, commands: ["sleep 60"]}`)
	_, err = run(t, w, dir, build.Input{Source: dir})
	require.ErrorContains(t, err, "at the end of the 1s of build.timeout")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
}
