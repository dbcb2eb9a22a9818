package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// TestAFailureIsReportedWhereUsersLook makes the tests of an environment fail, then its
// deployment: the run stops there, retries nothing, and reports which of the two failed.
func TestAFailureIsReportedWhereUsersLook(t *testing.T) {
	const failing = `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: ["echo the till is empty; exit 3"]}}
  - {name: live, account: "222222222222", region: eu-central-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}]}
`
	p := newSmall(t, "failed", failing)
	first := p.finished(p.push("Open without money"))
	assert.Equal(t, "Failed", first.Status.Phase)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "record"}, first.names())
	assert.Equal(t, "main: Error (exit code 1)", first.step("deploy-dev(0)").Message)
	assert.Contains(t, p.argo("logs", first.Metadata.Name, "--no-color"), "the till is empty")
	assert.Contains(t, p.recorded(first).Error, "test-dev: ")

	p.replace("aphex-config.yaml", `tests: {commands: ["echo the till is empty; exit 3"]}}`, `hooks: {preDeploy: ["echo the door is shut; exit 3"]}, tests: {commands: ["true"]}}`)
	second := p.finished(p.push("Shut the door"))
	assert.Equal(t, "Failed", second.Status.Phase)
	assert.Equal(t, "main: Error (exit code 1)", second.step("deploy-dev(0)").Message)
	assert.Contains(t, p.argo("logs", second.Metadata.Name, "--no-color"), "the door is shut")
	assert.Contains(t, p.recorded(second).Error, "deploy-dev: ")

	failed := []string{`pipeline="` + p.name + `-pipeline"`, `entrypoint="run"`, `status="Failed"`}
	p.eventually("the count of runs", time.Minute, func() bool { return p.metric("argo_workflows_aphex_runs_total", failed...) == "2" })
	assert.Equal(t, "2", p.metric("argo_workflows_aphex_run_seconds_count", failed...))
}

// metric returns the value of a series that Argo's controller serves to Prometheus, or "".
func (p *pipeline) metric(name string, labels ...string) string {
	controller := p.kubectl("get", "pods", "--namespace", node.System, "--selector", "app=workflow-controller", "--output", "jsonpath={.items[0].metadata.name}")
	served := p.kubectl("get", "--raw", "/api/v1/namespaces/"+node.System+"/pods/https:"+controller+":9090/proxy/metrics")
	for line := range strings.Lines(served) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if strings.HasPrefix(series, name+"{") && !slices.ContainsFunc(labels, func(label string) bool { return !strings.Contains(series, label) }) {
			return value
		}
	}
	return ""
}

// recorded returns the record of a failed run.
func (p *pipeline) recorded(run workflow) (kept struct{ Status, Error string }) {
	p.t.Helper()
	require.NoError(p.t, json.Unmarshal(p.object(p.name+"-artifacts", "metadata/workflows/"+run.Metadata.Name+".json"), &kept))
	assert.Equal(p.t, "Failed", kept.Status)
	return kept
}
