package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// attack is what code of the repository would do: it looks for whatever the pod holds, and
// prints a line "FOUND" for each. It runs in each container of the pod as it is.
const attack = `#!/bin/sh
found() { echo "FOUND $*"; }
echo "the attack begins as $(id -u)"

# tokens (T12, T13, T16)
for file in $(find / -xdev -name 'token*' -size +0 2>/dev/null; find /run /var/run /tmp /aphex -name 'token*' -size +0 2>/dev/null); do
  case $file in */serviceaccount/*) cat "$file" >/dev/null 2>&1 && found "token $file" ;; esac
done

# variables of the stage: its role, its settings, those of Argo
env | grep -E '^(AWS_ROLE_ARN|AWS_WEB_IDENTITY_TOKEN_FILE|APHEX_|ARGO_|TESTER_APHEX_)' | while IFS='=' read -r name _; do found "variable $name"; done

# files of the stage and of Argo
for folder in /aphex /var/run/argo /argo; do
  find "$folder" -type f -readable 2>/dev/null | head -n 1 | while read -r file; do found "file $file"; done
  (: > "$folder/planted") 2>/dev/null && rm "$folder/planted" && found "writable folder $folder"
done

# other programs of the pod, and the variables of those that run here
for process in /proc/[0-9]*; do
  tr '\0' ' ' < "$process/cmdline" 2>/dev/null | grep -Eo '^(/[^ ]*)?(argoexec|builder|deployer|tester) ' | while read -r program; do found "process $program"; done
done
tr '\0' '\n' < /proc/1/environ 2>/dev/null | grep -q . && found "environment of the first process"

# privileges
grep -Eq '^CapEff:\s*0+$' /proc/self/status || found capabilities
grep -Eq '^NoNewPrivs:\s*1$' /proc/self/status || found "new privileges"

# the server that runs commands: with the secret of the stage if it can be read, else with one of our own
secret=$(cat /aphex/commands.secret 2>/dev/null || printf '%064d' 7)
answer=$(curl --silent --max-time 5 --http2-prior-knowledge --header "Aphex-Secret: $secret" --output /dev/null --write-out '%{http_code}' 'http://127.0.0.1:7000/look?program=sh')
echo "the runner answers $answer"
[ "$answer" = 200 ] && found runner

# other ports of the pod: whatever gives credentials to whoever asks
for port in $(awk '$4 == "0A" { split($2, at, ":"); print at[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u); do
  curl --silent --max-time 5 "http://127.0.0.1:$(printf '%d' "0x$port")/" 2>/dev/null | grep -aq AccessKeyId && found "credentials at port 0x$port"
done

# the API of the cluster (T17, T24), with the token that a pod is usually given, if there is one
token=${GIVEN:-$(cat /var/run/secrets/kubernetes.io/serviceaccount/token 2>/dev/null)}
api=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT
who=$(curl --silent --insecure --max-time 5 ${token:+--header "Authorization: Bearer $token"} "$api/apis/argoproj.io/v1alpha1/namespaces/NAMESPACE/workflowtaskresults/x" | tr -d '\n')
case $who in
*'system:anonymous'*) echo "the API answers system:anonymous" ;;
*) found "identity at the API: $who" ;;
esac
echo "the attack ends"
`

// TestCodeOfTheRepositoryFindsNothingOfTheStage attacks from a build command, a hook and a
// test. While the hook waits, the same attack runs in the container of the stage: there it succeeds.
func TestCodeOfTheRepositoryFindsNothingOfTheStage(t *testing.T) {
	script := strings.ReplaceAll(attack, "NAMESPACE", node.Runs)
	p := newSmall(t, "untrusted", `
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: DATABASE, path: lib/database-stack.ts}]
    hooks: {preDeploy: [sh attack.sh, "touch /tmp/waiting; until [ -e /tmp/go ]; do sleep 0.2; done; rm /tmp/go"]}
    tests: {commands: [sh attack.sh]}
`)
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, "attack.sh"), []byte(script), 0o644))
	p.replace("aphex-config.yaml", "commands: [npm ci", "commands: [sh attack.sh, npm ci")
	name := p.runOf(p.push("Look around"))

	var attacked pod
	p.until(name, func(w workflow) bool {
		attacked = p.podOf(name, "deploy-dev")
		if attacked.Name == "" {
			return false
		}
		_, err := p.node.Kubectl(p.ctx, "", "exec", "-n", node.Runs, attacked.Name, "-c", "commands", "--", "test", "-e", "/tmp/waiting")
		return err == nil
	})
	token := p.kubectl("create", "token", "-n", node.Runs, p.name+"-results")
	inside := p.attackFrom(attacked.Name, "main", script, "GIVEN="+token)
	for _, want := range []string{
		"token /run/secrets/eks.amazonaws.com/serviceaccount/token", "variable AWS_ROLE_ARN", "variable APHEX_COMMANDS", "file /aphex/", "writable folder /aphex",
		"process", "environment of the first process", "runner", "identity at the API: ",
	} {
		assert.Contains(t, inside, "FOUND "+want, "the attack must be able to succeed")
	}
	assert.NotContains(t, p.attackFrom(attacked.Name, "commands", script), "FOUND")
	p.kubectl("exec", "-n", node.Runs, attacked.Name, "-c", "commands", "--", "touch", "/tmp/go")

	run := p.ended(name)
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	logs := p.argo("logs", name, "--no-color")
	assert.Equal(t, 3, strings.Count(logs, "the attack ends"), "build, hook and test")
	assert.Equal(t, 3, strings.Count(logs, "the attack begins as 65532"))
	assert.Equal(t, 3, strings.Count(logs, "the API answers system:anonymous"))
	assert.Equal(t, 3, strings.Count(logs, "the runner answers 403"))
	assert.Empty(t, regexp.MustCompile(`.*FOUND.*`).FindAllString(logs, -1))
}

// attackFrom runs the attack in a container of a pod, with further variables.
func (p *pipeline) attackFrom(pod, container, script string, variables ...string) string {
	p.t.Helper()
	args := append([]string{"exec", "-i", "-n", node.Runs, pod, "-c", container, "--", "env"}, variables...)
	output, err := p.node.Kubectl(p.ctx, script, append(args, "sh")...)
	require.NoError(p.t, err)
	require.Contains(p.t, output, "the attack ends")
	p.t.Logf("in the container %s:\n%s", container, output)
	return output
}
