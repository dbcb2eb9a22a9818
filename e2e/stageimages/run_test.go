package stageimages

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// useful uses each tool as an app's commands do, without a network, and prints the line
// that fails.
const useful = `set -eux
test "$(id -u):$(id -g)" = 65532:65532
! touch /usr/local/bin/new 2>/dev/null
"$STAGE" --help >/dev/null
node -e 'process.exit(process.release.lts ? 0 : 1)'
test "$(cdk --version | cut -d " " -f 1)" = "$CDK_VERSION"
mkdir app && cd app
npm init --yes >/dev/null && npm pack --silent && npm install --offline --no-audit --no-fund ./app-1.0.0.tgz >/dev/null
npx --no -- cdk --version >/dev/null
git init --quiet && git add package.json
git -c user.name=a -c user.email=a@example.com commit --quiet --message First
git clone --quiet . ../clone
! git ls-remote https://127.0.0.1:1/app.git 2>error
grep -q "unable to access" error
! git ls-remote ssh://git@127.0.0.1:1/app.git 2>error
grep -q "127.0.0.1 port 1" error
python3 -m venv environment && environment/bin/pip --version
python3 -m pip --version
python3 -c 'import json, sqlite3, ssl, urllib.request'
zip -q app.zip package.json && unzip -p app.zip package.json | jq --exit-status .version
printf 'all:\n\ttrue\n' | make --file -
curl --version | grep -qw https
`

// compiled runs in builder only.
const compiled = `
printf '#include <iostream>\nint main() { std::cout << "built" << std::endl; }\n' >hello.cc
c++ hello.cc -o hello && test "$(./hello)" = built
printf '#include <Python.h>\nint main() { return sizeof(PyObject) == 0; }\n' >python.c
cc $(python3-config --includes) python.c -o python && ./python
`

func TestToolsWorkOnAReadOnlyRootAsAnUnprivilegedUser(t *testing.T) {
	require.Zero(t, os.Getuid(), "only root can unpack an image and run it")
	forEach(t, tools, func(t *testing.T, i image) {
		script := useful
		if i.Stage == "builder" {
			script += compiled
		}
		env := append(slices.Clone(i.Config.Config.Env), "STAGE="+i.Stage, "CDK_VERSION="+setting(t, "CDK_VERSION"))
		output, err := run(t, i, env, "sh", "-c", script)
		require.NoError(t, err, output)
	})
}

func TestTheProgramOfABareImageRunsOnAnEmptyBase(t *testing.T) {
	require.Zero(t, os.Getuid(), "only root can unpack an image and run it")
	forEach(t, bare, func(t *testing.T, i image) {
		output, err := run(t, i, i.Config.Config.Env, append(i.Config.Config.Entrypoint, "--help")...)
		require.NoError(t, err, output)
	})
}

// run runs a container of the image as in a pod: only mounts are writable, and there are no
// capabilities and, here, no network.
func run(t *testing.T, i image, env []string, args ...string) (output string, err error) {
	t.Helper()
	bundle := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(bundle, "root"), 0o755))
	require.NoError(t, i.unpack(filepath.Join(bundle, "root")))
	spec, err := json.Marshal(container(env, args))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(bundle, "config.json"), spec, 0o600))
	cmd := exec.Command("runc", "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, fmt.Sprintf("aphex-%s-%d", filepath.Base(i.Stage), os.Getpid()))
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// container returns the configuration for runc.
func container(env, args []string) map[string]any {
	memory := func(at string, options ...string) map[string]any {
		return map[string]any{"destination": at, "type": "tmpfs", "source": "tmpfs", "options": options}
	}
	var namespaces []map[string]string
	for _, kind := range []string{"pid", "ipc", "uts", "mount", "network"} {
		namespaces = append(namespaces, map[string]string{"type": kind})
	}
	return map[string]any{
		"ociVersion": "1.0.2",
		"root":       map[string]any{"path": "root", "readonly": true},
		"process": map[string]any{
			"user": map[string]int{"uid": 65532, "gid": 65532}, "args": args, "env": env, "cwd": "/workspace",
			"noNewPrivileges": true, "capabilities": map[string]any{},
		},
		"mounts": []any{
			map[string]any{"destination": "/proc", "type": "proc", "source": "proc"},
			memory("/dev", "nosuid", "mode=755"),
			memory("/tmp", "mode=1777"),
			memory("/workspace", "uid=65532", "gid=65532", "mode=755"),
		},
		"linux": map[string]any{"namespaces": namespaces},
	}
}
