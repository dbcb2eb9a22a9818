package buildkit

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// requestOf returns the request for an image whose folder is app in a temporary one, with files.
func requestOf(t *testing.T, options assembly.ImageBuild, files map[string]string) *request {
	t.Helper()
	root := t.TempDir()
	if files["app/Dockerfile"] == "" {
		put(t, filepath.Join(root, "app/Dockerfile"), "FROM scratch\n")
	}
	for name, text := range files {
		put(t, filepath.Join(root, name), text)
	}
	options.Dir = filepath.Join(root, "app")
	r := &request{image: assets.Image{
		Name: "Image", Options: &options, Folders: []assets.Folder{{Path: root, Named: "/named"}}, Push: "registry.test/images:tag",
		Env: []string{"TOKEN=first", "TOKEN=of the commands"}, Mask: redact.New(), Read: limits.Workspace().Meter(1 << 40), Entries: 100,
		Login: func(context.Context, string) (string, string, error) { return "", "", nil },
	}}
	t.Cleanup(r.close)
	return r
}

func put(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func TestWhatABuildMustNotHaveIsRefusedByName(t *testing.T) {
	t.Setenv("OWN_TOKEN", "of this program")
	for option, options := range map[string]assembly.ImageBuild{
		`dockerBuildSsh "default": there is no SSH agent`:                                     {SSH: "default"},
		`networkMode "host": steps have the network of BuildKit's sandbox`:                    {Network: "host"},
		`dockerOutputs "type=local,dest=out": the image goes to its repository alone; "type"`: {Outputs: []string{"type=local,dest=out"}},
		`dockerOutputs "type=registry": the image goes to its repository alone`:               {Outputs: []string{"type=registry"}},
		`dockerOutputs "type=image,name=other/image": the image goes`:                         {Outputs: []string{"type=image,name=other/image"}},
		`dockerOutputs "type=image,push=true": the image goes`:                                {Outputs: []string{"type=image,push=true"}},
		`dockerOutputs "out": the image goes`:                                                 {Outputs: []string{"out"}},
		`cacheFrom "local": only type=registry`:                                               {CacheFrom: []assembly.CacheOption{{Type: "local", Params: map[string]string{"src": "/"}}}},
		`cacheTo "local": only type=inline and type=registry`:                                 {CacheTo: &assembly.CacheOption{Type: "local"}},
		`cacheTo "other.test/cache": it is written to the registry of the image alone`:        {CacheTo: &assembly.CacheOption{Type: "registry", Params: map[string]string{"ref": "other.test/cache"}}},
		`cacheFrom "registry.insecure=true": a registry is reached over TLS alone`:            {CacheFrom: []assembly.CacheOption{{Type: "registry", Params: map[string]string{"ref": "registry.test/images:cache", "registry.insecure": "true"}}}},
		`cacheTo "registry.insecure=1": a registry is reached over TLS alone`:                 {CacheTo: &assembly.CacheOption{Type: "registry", Params: map[string]string{"ref": "registry.test/images:cache", "registry.insecure": "1"}}},
		`buildContexts "x=/etc": "/etc" is outside`:                                           {Contexts: map[string]string{"x": "/etc"}},
		`buildContexts "x=../../": "../../" is outside`:                                       {Contexts: map[string]string{"x": "../../"}},
		`buildContexts "x=ssh://git@host/x": there is no SSH agent`:                           {Contexts: map[string]string{"x": "ssh://git@host/x"}},
		`buildContexts "x=oci-layout:///x": push the image`:                                   {Contexts: map[string]string{"x": "oci-layout:///x"}},
		`it would replace the frontend`:                                                       {Contexts: map[string]string{"docker/dockerfile:1::linux/amd64": "docker-image://evil"}},
		`dockerBuildSecrets "a,src=/etc/hostname": "/etc/hostname" is outside`:                {Secrets: map[string]string{"a": "src=/etc/hostname"}},
		`dockerBuildSecrets "a,env=OWN_TOKEN": the environment of the build has no variable`:  {Secrets: map[string]string{"a": "env=OWN_TOKEN"}},
		`dockerBuildSecrets "a,src=link"`:                                                     {Secrets: map[string]string{"a": "src=link"}},
		`dockerBuildSecrets "a,src=big": big is larger than the 500 KiB of a secret`:          {Secrets: map[string]string{"a": "src=big"}},
	} {
		r := requestOf(t, options, map[string]string{"app/big": strings.Repeat("x", secretsprovider.MaxSecretSize+1)})
		require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(r.image.Options.Dir, "link")))
		_, err := r.options()
		require.ErrorContains(t, err, option)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotEmpty(t, errs.HintOf(err))
	}
	_, err := requestOf(t, assembly.ImageBuild{SSH: "default", Network: "host"}, nil).options()
	require.ErrorContains(t, err, "networkMode")
	require.ErrorContains(t, err, "dockerBuildSsh", "all of them together")
}

func TestADestinationIsOneImage(t *testing.T) {
	for _, push := range []string{
		"registry.test/images:tag,other.test/images:tag", "registry.test/images:tag,", "registry.test/images:a b", "registry.test/images:", "registry.test/Images:tag", "images:tag",
	} {
		r := requestOf(t, assembly.ImageBuild{}, nil)
		r.image.Push = push
		_, err := r.options()
		require.ErrorContains(t, err, fmt.Sprintf("destination %q: it is not the name of one image", push))
	}
}

func TestTheOptionsOfAManifestReachBuildKit(t *testing.T) {
	r := requestOf(t, assembly.ImageBuild{
		File: "docker/Dockerfile.prod", Target: "app", Args: map[string]string{"A": "1"}, Platform: "linux/arm64", CacheDisabled: true, Network: "none",
		Contexts:  map[string]string{"up": "..", "base": "docker-image://alpine", "named": "/named/other"},
		Outputs:   []string{"type=docker", "type=image,compression=zstd,push=false"},
		CacheFrom: []assembly.CacheOption{{Type: "registry", Params: map[string]string{"ref": "other.test/cache"}}},
		CacheTo:   &assembly.CacheOption{Type: "registry", Params: map[string]string{"ref": "registry.test/images:cache", "mode": "max"}},
		Secrets:   map[string]string{"file": "src=../token", "env": "type=env,src=TOKEN", "TOKEN": "", "plain": ""},
	}, map[string]string{"app/docker/Dockerfile.prod": "FROM scratch\n", "token": "of the file", "app/plain": "of the name", "other/x": "x"})
	got, err := r.options()
	require.NoError(t, err)
	assert.Equal(t, "dockerfile.v0", got.Frontend)
	assert.Empty(t, got.AllowedEntitlements)
	assert.Equal(t, map[string]string{
		"filename": "docker/Dockerfile.prod", "target": "app", "build-arg:A": "1", "platform": "linux/arm64", "no-cache": "", "force-network-mode": "none", "cmdline": "",
		"context:base": "docker-image://alpine", "context:named": "local:named-1", "context:up": "local:named-2", "frontend.caps": "moby.buildkit.frontend.contexts+forward",
	}, got.FrontendAttrs)
	assert.Len(t, got.LocalMounts, 4)
	require.Len(t, got.Exports, 1)
	assert.Equal(t, map[string]string{"name": "registry.test/images:tag", "push": "true", "oci-mediatypes": "false", "compression": "zstd"}, got.Exports[0].Attrs)
	assert.Equal(t, map[string]string{"ref": "other.test/cache"}, got.CacheImports[0].Attrs)
	assert.Equal(t, map[string]string{"ref": "registry.test/images:cache", "mode": "max"}, got.CacheExports[0].Attrs)
	assert.Equal(t, map[string][]byte{"file": []byte("of the file"), "env": []byte("of the commands"), "TOKEN": []byte("of the commands"), "plain": []byte("of the name")}, r.secrets())
	assert.NotContains(t, r.image.Mask.String("of the commands"), "of the commands")

	r.image.Push = ""
	got, err = r.options()
	require.NoError(t, err)
	assert.Empty(t, got.Exports)
	assert.Empty(t, got.CacheExports, "a build ahead writes nothing")
}

func TestAFrontendIsOneOfDockersOwn(t *testing.T) {
	const argument = "build-arg:BUILDKIT_SYNTAX"
	for text, attrs := range map[string]map[string]string{
		"FROM scratch\n": {"cmdline": ""},
		"# a comment\n# syntax=evil/frontend\nFROM scratch\n":                         {"cmdline": ""},
		"# syntax=docker/dockerfile:1\nFROM scratch\n":                                {argument: "docker/dockerfile:1"},
		"#syntax = docker.io/docker/dockerfile:1.4 # x\nFROM scratch\n":               {argument: "docker.io/docker/dockerfile:1.4 # x"},
		"# syntax=docker/dockerfile-upstream:master-labs\nFROM scratch\n":             {argument: "docker/dockerfile-upstream:master-labs"},
		"# syntax=docker/dockerfile@sha256:" + strings.Repeat("a", 64) + "\nFROM a\n": {argument: "docker/dockerfile@sha256:" + strings.Repeat("a", 64)},
	} {
		r := requestOf(t, assembly.ImageBuild{}, map[string]string{"app/Dockerfile": text})
		got, err := r.options()
		require.NoError(t, err, text)
		delete(got.FrontendAttrs, "filename")
		assert.Equal(t, attrs, got.FrontendAttrs, text)
	}
	for _, text := range []string{
		"# syntax=evil/frontend\nFROM scratch\n", "# syntax=evil.test/docker/dockerfile\n", "# syntax=docker/dockerfile.evil\n", "# syntax=docker.io.evil.test/docker/dockerfile:1\n",
		"// syntax=evil/frontend\n", `{"syntax": "evil/frontend"}`, "#!/usr/bin/x\n# syntax=evil/frontend\n", "\ufeff# syntax=evil/frontend\n", "# escape=`\n# syntax=evil/frontend\n",
	} {
		_, err := requestOf(t, assembly.ImageBuild{}, map[string]string{"app/Dockerfile": text}).options()
		require.ErrorContains(t, err, "which is not one of docker/dockerfile", text)
	}
	_, err := requestOf(t, assembly.ImageBuild{Args: map[string]string{"BUILDKIT_SYNTAX": "evil/frontend"}}, nil).options()
	require.ErrorContains(t, err, "evil/frontend", "an argument names one, too")
}

// listed returns what a folder sends.
func listed(t *testing.T, f fsutil.FS, target string) (all []string, err error) {
	t.Helper()
	err = f.Walk(t.Context(), target, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		all = append(all, path+" "+info.Mode().String())
		return nil
	})
	return all, err
}

func TestAFolderIsSentWithoutWhatIsOutsideOfIt(t *testing.T) {
	top := t.TempDir()
	put(t, filepath.Join(top, "outside"), "of the host")
	put(t, filepath.Join(top, "in", "b", "file"), "content")
	require.NoError(t, os.Chmod(filepath.Join(top, "in", "b", "file"), 0o750))
	require.NoError(t, syscall.Mkfifo(filepath.Join(top, "in", "pipe"), 0o600))
	require.NoError(t, os.Symlink("b", filepath.Join(top, "in", "link")))
	require.NoError(t, os.Symlink("../outside", filepath.Join(top, "in", "out")))
	root, err := os.OpenRoot(filepath.Join(top, "in"))
	require.NoError(t, err)
	defer root.Close()
	f := folder{root, limits.Budget{Bytes: 10, Free: 10, Ratio: 1}.Meter(0), 5}
	all, err := listed(t, f, "/")
	require.NoError(t, err, "as many entries as it may have, and a pipe")
	assert.Equal(t, []string{"b drwxr-xr-x", "b/file -rwxr-x---", "link Lrwxrwxrwx", "out Lrwxrwxrwx"}, all)
	for target, want := range map[string]string{"out": "out Lrwxrwxrwx", "/b/file": "b/file -rwxr-x---", "link": "link Lrwxrwxrwx"} {
		all, err := listed(t, f, target)
		require.NoError(t, err)
		assert.Equal(t, []string{want}, all, "a link is none of its target")
	}
	_, err = listed(t, f, "missing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = listed(t, folder{root, f.read, 4}, "/")
	require.ErrorIs(t, err, limits.ErrExceeded)

	read := func(name string) (string, error) {
		file, err := f.Open(name)
		require.NoError(t, err, "BuildKit takes a file that cannot be opened for an empty one")
		defer file.Close()
		text, err := io.ReadAll(file)
		return string(text), err
	}
	text, err := read("b/file")
	require.NoError(t, err)
	assert.Equal(t, "content", text)
	for _, name := range []string{"out", "../outside", "/../outside", "pipe", "b", "missing"} {
		_, err := read(name)
		require.Error(t, err, name)
	}
	_, err = read("b/file")
	require.ErrorIs(t, err, limits.ErrExceeded, "14 bytes of 10")
}

func TestCredentialsAreAskedOfThePublisher(t *testing.T) {
	var asked []string
	l := logins{of: func(_ context.Context, registry string) (string, string, error) {
		asked = append(asked, registry)
		return "AWS", "password", nil
	}}
	got, err := l.Credentials(t.Context(), &auth.CredentialsRequest{Host: "registry.test"})
	require.NoError(t, err)
	assert.Equal(t, "AWS password", got.Username+" "+got.Secret)
	assert.True(t, slices.Equal([]string{"registry.test"}, asked))
	_, err = l.FetchToken(t.Context(), &auth.FetchTokenRequest{Realm: "http://169.254.169.254/"})
	require.Error(t, err, "this program fetches nothing from where a registry says")
}
