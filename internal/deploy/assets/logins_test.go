package assets_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
)

// registryScript is a docker that keeps logins in its configuration, and pushes to who logged in. It builds in
// a context that only the user's configuration knows.
const registryScript = `#!/bin/sh
config=${DOCKER_CONFIG:-$HOME/.docker}
if [ "$1" = --config ]; then config=$2; shift 2; fi
case $1 in
inspect) exit 1 ;;
login) cat >/dev/null; mkdir -p "$config"; echo " login-of-$5" >> "$config/config.json" ;;
build) grep -q of-the-user "$config/config.json" && [ -e "$config/contexts/desktop" ] && grep -q login-of "$config/config.json" ;;
push) grep -q login-of "$config/config.json" ;;
esac
`

// TestALoginEndsBeforeTheNextCommandOfTheApp publishes an image as a deployment does, and then pushes as a hook or a
// test would, where commands are processes beside ours and in another container.
func TestALoginEndsBeforeTheNextCommandOfTheApp(t *testing.T) {
	programs := t.TempDir()
	require.NoError(t, os.Chmod(write(t, filepath.Join(programs, "docker"), registryScript), 0o755))
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	for name, runner := range map[string]command.Runner{"beside": proc.Runner{}, "in another container": remotetest.Start(t)} {
		t.Run(name, func(t *testing.T) {
			s, temp := newStub(t), t.TempDir()
			home := t.TempDir()
			write(t, filepath.Join(home, ".docker", "config.json"), "of-the-user")
			write(t, filepath.Join(home, ".docker", "contexts", "desktop"), "")
			context := t.TempDir()
			require.NoError(t, runner.Send(t.Context(), context))

			env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
			hook := func(words ...string) error {
				return runner.Run(t.Context(), command.Command{Args: append([]string{"docker"}, words...), Env: env})
			}
			p := assets.New(assets.Options{Runner: runner, Env: env, Temp: temp})
			require.NoError(t, p.Publish(t.Context(), imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: context}}), s.place()))
			kept, err := os.ReadDir(temp)
			require.NoError(t, err)
			require.Len(t, kept, 1)
			folder := filepath.Join(temp, kept[0].Name())
			var there bytes.Buffer
			look := command.Command{Args: []string{"sh", "-c", "cat \"$0\"/config.json; stat -c %a \"$0\"", runner.Place(folder)}, Env: env, Stdout: &there}
			require.NoError(t, runner.Run(t.Context(), look))
			assert.Contains(t, there.String(), "login-of")
			assert.Contains(t, there.String(), "\n700\n", "nobody else reads it")

			p.LogOut(t.Context())
			assert.Error(t, runner.Run(t.Context(), look), "the folder is gone")
			assert.NoDirExists(t, folder)
			assert.Error(t, hook("push", remote), "there is no login")
			assert.Equal(t, "of-the-user", read(t, filepath.Join(home, ".docker", "config.json")))

			require.NoError(t, hook("login", "--username", "AWS", "--password-stdin", "registry"))
			assert.NoError(t, hook("push", remote), "a login in docker's own configuration serves every later command")
		})
	}
}

// TestTheLoginsOfAFileOfRegistriesEndWithTheBuildInAnotherContainer is about the credentials that a person's file names.
func TestTheLoginsOfAFileOfRegistriesEndWithTheBuildInAnotherContainer(t *testing.T) {
	place, _ := registries(t)
	runner, context, programs, home := remotetest.Start(t), t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, runner.Send(t.Context(), context))
	require.NoError(t, os.Chmod(write(t, filepath.Join(programs, "docker"), `#!/bin/sh
for word; do case $word in inspect) exit 1 ;; build) cp "$2/config.json" "$HOME"; echo "$2" >"$HOME/folder" ;; esac; done
`), 0o755))
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	write(t, filepath.Join(home, ".cdk", "cdk-docker-creds.json"), `{"domainCredentials": {"quay.io": {"secretsManagerSecretId": "hub"}}}`)
	p := assets.New(assets.Options{Runner: runner, Env: env, Temp: t.TempDir(), Registries: assets.ReadRegistries(env)})
	require.NoError(t, p.Publish(t.Context(), imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: context}}), place))
	assert.Contains(t, read(t, filepath.Join(home, "config.json")), "quay.io", "the build had the credentials")
	assert.NoDirExists(t, strings.TrimSpace(read(t, filepath.Join(home, "folder"))), "the credentials do not outlive the build")
}
