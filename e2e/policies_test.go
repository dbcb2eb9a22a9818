package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/e2e/world"
)

// TestTheNetworkPoliciesOfAPipelineHold attacks from inside of the containers in which the
// commands of a build and the tests of an environment run, beside the webhook and the Sensor,
// and from a pod of somebody else. Each attack succeeds while the policies are deleted.
func TestTheNetworkPoliciesOfAPipelineHold(t *testing.T) {
	stop, err := world.ServeMetadata(shared.ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stop()) })
	p := newSmall(t, "guarded", `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: [node waiting.cjs]}}
`)
	p.replace("aphex-config.yaml", "npm run build,", "npm run build, node waiting.cjs,")
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, "waiting.cjs"), []byte(waiting), 0o644))
	outsider := p.outsider()
	receiver, sensor := p.beside("eventsource-name="+p.name+"-github"), p.beside("sensor-name="+p.name+"-sensor")
	webhook := []string{p.webhook(), at(receiver.address, "12000") + "push"}

	name := p.runOf(p.push("Look around"))
	for _, stepName := range []string{"build", "deploy-dev"} {
		inside := p.waiting(name, stepName)
		attacks := map[place][]string{
			inside: metadata(), receiver: metadata(), sensor: metadata(),
			outsider: {at(inside.address, waitingPort), at(receiver.address, metricsPort), at(sensor.address, metricsPort)},
		}
		inside.isDenied(attacks[inside]...)
		restore := p.withoutPolicies()
		for from, urls := range attacks {
			from.isAnswered(urls...)
		}
		restore()
		for from, urls := range attacks {
			from.isDenied(urls...)
		}

		inside.isAnswered("https://github.com/example/guarded.git/info/refs", "https://registry.npmjs.org/aws-cdk-lib", p.world.AWS.URL())
		outsider.isAnswered(webhook...)
		secrets := "https://" + node.APIService + "/api/v1/namespaces/" + node.Runs + "/secrets"
		answer := inside.ask(secrets)[secrets]
		assert.Contains(t, answer, "403 ")
		assert.Contains(t, answer, "system:anonymous")
		inside.run("touch", "/tmp/proceed")
	}
	run := p.ended(name)
	assert.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
}

const (
	waitingPort = "8000" // of waiting
	metricsPort = "7777" // of the pods of Argo Events
)

// waiting is a command of a repository that waits to proceed, and serves a port.
const waiting = `const fs = require('node:fs');
require('node:http').createServer((_, response) => response.end('what the commands see')).listen(` + waitingPort + `);
fs.rmSync('/tmp/proceed', {force: true});
fs.writeFileSync('/tmp/waiting', '');
setInterval(() => fs.existsSync('/tmp/proceed') && process.exit(0), 200);
setTimeout(() => process.exit(1), 10 * 60 * 1000);
`

func at(address, port string) string { return "http://" + address + ":" + port + "/" }

func metadata() (urls []string) {
	for _, address := range world.MetadataAddresses {
		urls = append(urls, at(address, "80"))
	}
	return urls
}

// place is a container with Node.js.
type place struct {
	*pipeline
	namespace, pod, container string
	address                   string // of the pod
}

// waiting returns the container in which commands of the repository wait.
func (p *pipeline) waiting(run, stepName string) (found place) {
	p.t.Helper()
	p.until(run, func(workflow) bool {
		pod := p.podOf(run, stepName).Name
		if pod == "" {
			return false
		}
		containers := p.kubectl("get", "pod", pod, "-n", node.Runs, "-o", "jsonpath={.spec.containers[*].name} {.spec.initContainers[*].name}")
		for _, container := range strings.Fields(containers) {
			tried := place{p, node.Runs, pod, container, p.addressOf(node.Runs, pod)}
			if _, err := tried.try("cat", "/tmp/waiting"); err == nil {
				found = tried
			}
		}
		return found.pod != ""
	})
	return found
}

// beside adds a container to the pod of Argo Events with this label, which has none with a
// shell. The containers of a pod share its network.
func (p *pipeline) beside(label string) place {
	p.t.Helper()
	pod := p.kubectl("get", "pods", "-n", node.Events, "-l", label, "-o", "jsonpath={.items[*].metadata.name}")
	p.kubectl("debug", pod, "-n", node.Events, "--profile=restricted", "--container=beside",
		"--image=docker.io/aphex/builder:"+*tag, "--image-pull-policy=Never", "--", "node", "-e", forever)
	found := place{p, node.Events, pod, "beside", p.addressOf(node.Events, pod)}
	p.eventually("the container beside "+label, time.Minute, func() bool {
		_, err := found.try("true")
		return err == nil
	})
	return found
}

// forever is a program that waits to be ended.
const forever = "setInterval(() => {}, 1000)"

// outsider starts a pod that belongs to no pipeline.
func (p *pipeline) outsider() place {
	p.t.Helper()
	p.kubectl("run", "outsider", "--image=docker.io/aphex/builder:"+*tag, "--image-pull-policy=Never", "--restart=Never",
		"--command", "--", "node", "-e", forever)
	p.t.Cleanup(func() { p.kubectl("delete", "pod", "outsider", "--now") })
	p.kubectl("wait", "pod", "outsider", "--for=condition=Ready", "--timeout=180s")
	return place{p, "default", "outsider", "outsider", p.addressOf("default", "outsider")}
}

func (p *pipeline) addressOf(namespace, pod string) string {
	p.t.Helper()
	address := p.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.status.podIP}")
	require.NotEmpty(p.t, address, pod)
	return address
}

// withoutPolicies deletes the network policies of the pipeline, until restore is called.
func (p *pipeline) withoutPolicies() (restore func()) {
	p.t.Helper()
	selector := "--selector=app.kubernetes.io/instance=" + p.name + "-pipeline"
	list, err := decode[struct{ Items []map[string]any }]([]byte(p.kubectl("get", "networkpolicies", "--all-namespaces", selector, "-o", "json")))
	require.NoError(p.t, err)
	require.Len(p.t, list.Items, 3)
	for _, namespace := range []string{node.Runs, node.Events} {
		p.kubectl("delete", "networkpolicies", "-n", namespace, selector)
	}
	return func() {
		p.t.Helper()
		for _, policy := range list.Items {
			delete(policy["metadata"].(map[string]any), "resourceVersion")
			text, err := json.Marshal(policy)
			require.NoError(p.t, err)
			_, err = p.node.Kubectl(p.ctx, string(text), "create", "-f", "-")
			require.NoError(p.t, err)
		}
	}
}

// try runs a command in the container.
func (p place) try(command ...string) (string, error) {
	return p.node.Kubectl(p.ctx, "", append([]string{"exec", p.pod, "-n", p.namespace, "-c", p.container, "--"}, command...)...)
}

// run runs a command in the container, which must succeed.
func (p place) run(command ...string) string {
	p.t.Helper()
	output, err := p.try(command...)
	require.NoError(p.t, err)
	return output
}

// asking prints the answers of servers, by their URLs; an error starts with "no answer".
const asking = `const ask = url => fetch(url, {signal: AbortSignal.timeout(5000)}).then(
  async answer => answer.status + ' ' + await answer.text(), error => 'no answer: ' + (error.cause?.code ?? error.name));
Promise.all(process.argv.slice(1).map(async url => [url, (await ask(url)).slice(0, 1000)])).then(all => console.log(JSON.stringify(Object.fromEntries(all))));`

// ask returns the answers of servers, by their URLs.
func (p place) ask(urls ...string) map[string]string {
	p.t.Helper()
	answers, err := decode[map[string]string]([]byte(p.run(append([]string{"node", "-e", asking, "--"}, urls...)...)))
	require.NoError(p.t, err)
	require.Len(p.t, answers, len(urls))
	return answers
}

const noAnswer = "no answer: "

// isDenied requires that none of the servers answers, soon: policies hold a moment after
// they or a pod were created.
func (p place) isDenied(urls ...string) {
	p.t.Helper()
	p.become("denied", urls, func(answer string) bool { return strings.HasPrefix(answer, noAnswer) })
}

// isAnswered requires that all servers answer, soon.
func (p place) isAnswered(urls ...string) {
	p.t.Helper()
	p.become("answered", urls, func(answer string) bool { return !strings.HasPrefix(answer, noAnswer) })
}

func (p place) become(what string, urls []string, holds func(answer string) bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		answers := p.ask(urls...)
		wrong := maps.Clone(answers)
		maps.DeleteFunc(wrong, func(_, answer string) bool { return holds(answer) })
		if len(wrong) == 0 {
			p.t.Logf("%s in %s is %s: %v", p.container, p.pod, what, answers)
			return
		}
		require.Truef(p.t, time.Now().Before(deadline), "%s in %s is not %s: %v", p.container, p.pod, what, wrong)
	}
}
