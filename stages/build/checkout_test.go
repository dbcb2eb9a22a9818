package build_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/build"
)

// buildFrom builds a commit of a real git server into a folder for artifacts.
func buildFrom(t *testing.T, url, commit string) (build.Output, string, string, error) {
	t.Helper()
	in := build.Input{
		Repository: url, Commit: commit, Branch: "main", Config: "aphex-config.yaml",
		ArtifactDir: t.TempDir(), Host: "github.com", AllowLocal: true,
	}
	require.NoError(t, in.Validate())
	var log bytes.Buffer
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&log, nil)), Out: &log, Redactor: redact.New()}
	out, err := build.Run(t.Context(), build.Deps{
		Runner:  proc.Runner{},
		Commits: checkout.Commits{CheckOut: checkout.CheckOut, Token: func(context.Context) (string, error) { return "", nil }},
		Bucket:  bucket.OpenDirectory(in.ArtifactDir),
	}, frame, in)
	return out, in.ArtifactDir, log.String(), err
}

func repository(t *testing.T, command string) (url, commit string) {
	t.Helper()
	r := gittest.New(t)
	r.Git("config", "uploadpack.allowReachableSHA1InWant", "true")
	quoted, err := json.Marshal(command)
	require.NoError(t, err)
	r.Write("aphex-config.yaml", `version: "1.0"
build: {commands: [`+string(quoted)+`], artifacts: ["artifacts"]}
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`)
	commit = r.Commit("to be built")
	r.Write("aphex-config.yaml", "broken in a later commit")
	r.Commit("later")
	return r.Serve(), commit
}

func TestACommitOfARealServerIsBuiltAndKept(t *testing.T) {
	url, commit := repository(t, `mkdir artifacts; git rev-parse HEAD > artifacts/head; echo $COMMIT_SHA > artifacts/sha`)
	out, folder, log, err := buildFrom(t, url, commit)
	require.NoError(t, err, log)
	assert.FileExists(t, filepath.Join(folder, out.Artifact))

	text, err := os.ReadFile(filepath.Join(folder, bucket.DocumentKey(commit)))
	require.NoError(t, err)
	var document bucket.Metadata
	require.NoError(t, json.Unmarshal(text, &document))
	assert.Equal(t, out.Digest, document.Digest)
	assert.Equal(t, 3, document.Files, "the configuration and two artifacts, and nothing of .git")
	require.Len(t, document.Artifacts, 2)
	assert.Equal(t, "artifacts/head", document.Artifacts[0].Path)
	assert.Equal(t, document.Artifacts[0].SHA256, document.Artifacts[1].SHA256, "git in the workspace knows its commit")

	again, _, _, err := buildFrom(t, url, commit)
	require.NoError(t, err)
	assert.Equal(t, out, again, "the same commit gives the same artifact")
}

func TestABrokenCommandOfARealCommitIsShown(t *testing.T) {
	url, commit := repository(t, `echo "cannot find module x" >&2; exit 7`)
	_, folder, log, err := buildFrom(t, url, commit)
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error(), "cannot find module x")
	assert.Contains(t, log, "cannot find module x")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestTheBuildGetsTheSubmodulesAndFilesInLFSThatTheConfigurationAsksFor(t *testing.T) {
	lib, top, server := gittest.New(t), gittest.New(t), &gittest.LFS{}
	lib.Write("lib.txt", "library")
	linked := lib.Commit("library")
	top.Write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = ../../lib/.git\n")
	top.Write("logo.bin", server.Add("logo"))
	commits := map[bool]string{}
	for _, wanted := range []bool{false, true} {
		parts := ""
		if wanted {
			parts = "checkout: {submodules: true, lfs: true}\n"
		}
		top.Write("aphex-config.yaml", `version: "1.0"
build: {commands: ["mkdir -p artifacts; cat logo.bin lib/lib.txt > artifacts/all || true"], artifacts: ["artifacts"]}
`+parts+`environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`)
		top.Git("add", ".")
		top.Git("update-index", "--add", "--cacheinfo", "160000,"+linked+",lib")
		top.Git("commit", "-q", "-m", "parts")
		commits[wanted] = top.Git("rev-parse", "HEAD")
	}
	git := http.NewServeMux()
	for name, r := range map[string]*gittest.Repository{"/top/": top, "/lib/": lib} {
		r.Git("config", "uploadpack.allowReachableSHA1InWant", "true")
		handler, err := gittest.Handler(r.Dir)
		require.NoError(t, err)
		git.Handle(name, http.StripPrefix(strings.TrimSuffix(name, "/"), handler))
	}
	host := httptest.NewServer(server.Around("/top/.git", git))
	t.Cleanup(host.Close)

	built := func(commit string) (content, log string) {
		out, folder, log, err := buildFrom(t, host.URL+"/top/.git", commit)
		require.NoError(t, err, log)
		dir := t.TempDir()
		_, err = bucket.Workspace{Artifact: out.Artifact, Digest: out.Digest}.Fetch(t.Context(), bucket.OpenDirectory(folder), slog.New(slog.DiscardHandler), dir)
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(dir, "artifacts", "all"))
		require.NoError(t, err)
		assert.NoDirExists(t, filepath.Join(dir, "lib", ".git"), "the artifact has no repository")
		return string(text), log
	}
	content, log := built(commits[false])
	assert.Contains(t, content, "version https://git-lfs")
	assert.Contains(t, log, "submodules are not fetched")
	content, log = built(commits[true])
	assert.Equal(t, "logolibrary", content)
	assert.NotContains(t, log, "not fetched")
}
