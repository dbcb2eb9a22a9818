package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAHookAfterADeploymentCannotPushWithItsLogin has a hook push an image when the deployment has pushed its own, and
// then with a login as the deployment made it, left where docker keeps logins.
func TestAHookAfterADeploymentCannotPushWithItsLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("image")
	docker := filepath.Join(w.source, "docker")
	require.NoError(t, os.WriteFile(docker, []byte(`#!/bin/sh
case $1 in
inspect) exit 1 ;;
login) cat >/dev/null; mkdir -p "$DOCKER_CONFIG"; touch "$DOCKER_CONFIG/config.json" ;;
push) [ -e "$DOCKER_CONFIG/config.json" ] || exit 1; echo "$2" >>`+docker+`.pushed ;;
esac
`), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(w.source, "image"), 0o755))
	w.write("image/Dockerfile", "FROM scratch\n")
	w.configure(fmt.Sprintf(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}, {name: Api}]
    env: {CDK_DOCKER: %[1]q, DOCKER_CONFIG: %[2]q}
    hooks:
      postDeploy: ["! %[1]s push before", "%[1]s login </dev/null && %[1]s push after"]
`, docker, filepath.Join(t.TempDir(), "config")))
	_, err := w.run("dev")
	require.NoError(t, err, w.out.String())
	pushed, err := os.ReadFile(docker + ".pushed")
	require.NoError(t, err)
	assert.Regexp(t, `^\S+/cdk-hnb659fds-container-assets-\S+:\w+\nafter\n$`, string(pushed))
}
