package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install/registry"
)

// TestWhatAHookWritesToTheHomeFolderIsFollowedByNothingOfOurs has a hook write there what docker, npm and the CDK CLI
// would follow: a program that knows logins, a registry, and a plugin. Programs that read these files show that each
// works; ours deploys meanwhile.
func TestWhatAHookWritesToTheHomeFolderIsFollowedByNothingOfOurs(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Store(true)
		rw.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	dir := t.TempDir()
	home, taken, plugin := filepath.Join(dir, "home"), filepath.Join(dir, "taken"), filepath.Join(dir, "plugin.js")
	helper := filepath.Join(dir, "bin", "docker-credential-evil")
	for name, text := range map[string]string{
		helper: "#!/bin/sh\ntouch " + taken + "\nexit 1\n",
		plugin: `require("fs").writeFileSync("` + taken + `", "")`,
		filepath.Join(w.source, "write.sh"): `
mkdir -p "$HOME/.docker"
echo '{"credsStore": "evil"}' > "$HOME/.docker/config.json"
echo 'registry=` + server.URL + `/' > "$HOME/.npmrc"
echo '{"plugin": ["` + plugin + `"], "app": "touch ` + taken + `", "profile": "theirs"}' > "$HOME/.cdk.json"
`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o755))
	}
	require.NoError(t, os.Mkdir(home, 0o755))
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("PATH", filepath.Dir(helper)+":"+os.Getenv("PATH"))
	succeeded := func() bool {
		_, err := os.Stat(taken)
		_ = os.Remove(taken)
		return asked.Swap(false) || err == nil
	}

	w.configure(` [{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}], hooks: {preDeploy: ["sh write.sh"]}}]` + "\n")
	for range 2 { // the second run begins with the files
		out, err := w.run("dev")
		require.NoError(t, err)
		assert.Contains(t, []string{"created", "unchanged"}, actions(out)["Data"])
		require.FileExists(t, filepath.Join(home, ".cdk.json"))
		assert.False(t, succeeded())
	}

	host := strings.TrimPrefix(server.URL, "http://")
	for name, follow := range map[string]func(){
		"docker's configuration": func() {
			_, err := registry.Digest(t.Context(), "localhost"+host[strings.Index(host, ":"):]+"/image")
			require.Error(t, err)
			asked.Store(false)
		},
		"npm's registry": func() { _ = exec.CommandContext(t.Context(), "npm", "view", "anything", "--fetch-retries=0").Run() },
		"the CDK CLI's plugin": func() {
			cli := exec.CommandContext(t.Context(), "node", filepath.Join(w.source, "node_modules/aws-cdk/bin/cdk"), "list", "--app", "true", "--no-notices")
			cli.Dir = home
			_ = cli.Run()
		},
	} {
		follow()
		assert.True(t, succeeded(), "%s: the attack works on who reads it", name)
	}
}
