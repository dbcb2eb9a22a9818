package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// docker stands in for the docker program: it writes down what it is asked, and
// a push puts an image into the simulated registry.
type docker struct{ dir string }

// script remembers images in files, as docker remembers them in its store.
const script = `#!/bin/sh
dir=%[1]s
[ "$1" != version ] || exit 0 # whether the daemon answers is a question of ours
echo "$*" >> $dir/calls
case "$1" in
inspect) [ -e "$dir/image-$2" ] ;;
login) read -r password; [ -n "$password" ] ;;
build)
	while [ $# -gt 0 ]; do [ "$1" = --tag ] && touch "$dir/image-$2"; shift; done
	[ -e Dockerfile ] ;;
tag) [ -e "$dir/image-$2" ] ;;
push)
	name=${2##*/}
	env -i PATH="$PATH" HOME="$HOME" %[2]s aws ecr put-image --repository-name "${name%%:*}" --image-tag "${name##*:}" \
		--image-manifest '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{},"layers":[]}' >> $dir/pushed ;;
*) exit 9 ;;
esac
`

// standIn makes the docker program of a cloud.
func (c *cloud) standIn() docker {
	c.t.Helper()
	d := docker{dir: c.t.TempDir()}
	var words []string
	for _, entry := range c.AddAccount(dev).Env(c.URL(), ireland) {
		words = append(words, "'"+entry+"'")
	}
	file := filepath.Join(d.dir, "docker")
	require.NoError(c.t, os.WriteFile(file, fmt.Appendf(nil, script, d.dir, strings.Join(words, " ")), 0o755))
	c.environ = append(c.environ, "CDK_DOCKER="+file, "ENVIRONMENT_NAME=dev")
	return d
}

var temporary = regexp.MustCompile(`/tmp/\S+/|127\.0\.0\.1:\d+`)

// calls returns the command lines that docker got, without the names of temporary folders and registries.
func (d docker) calls() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "calls"))
	return temporary.ReplaceAllString(string(text), "")
}
