package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

func TestOfQuickPushesTheNewestIsDeployedLastAndAnOldOneIsNotDeployedOverIt(t *testing.T) {
	p := newSmall(t, "queue", oneEnvironment)
	edition := func(number int) string {
		return fmt.Sprintf("new CfnOutput(this, 'Edition', { value: 'edition %d' });", number)
	}
	const output = "new CfnOutput(this, 'OrdersTableName', { value: this.orders.tableName });"
	p.replace("lib/database-stack.ts", output, output+edition(0))
	var commits []string
	for number := 1; number <= 3; number++ {
		p.replace("lib/database-stack.ts", edition(number-1), edition(number))
		commits = append(commits, p.push(fmt.Sprintf("Edition %d", number)))
	}

	var deployed []workflow
	for _, commit := range commits {
		run := p.finished(commit)
		switch status := p.recordOf(run.Metadata.Name).Status; status {
		case "Succeeded":
			deployed = append(deployed, run)
		default:
			assert.Equal(t, "Superseded", status, run.Status.Message)
		}
	}
	require.NotEmpty(t, deployed)
	assert.Equal(t, p.runOf(commits[2]), deployed[len(deployed)-1].Metadata.Name)
	for i := range deployed[1:] {
		ended, began := deployed[i].step("deploy-dev(0)").FinishedAt, deployed[i+1].step("deploy-dev(0)").StartedAt
		assert.False(t, began.Before(ended), "%s began to deploy before %s had", deployed[i+1].Metadata.Name, deployed[i].Metadata.Name)
	}
	assert.Equal(t, "edition 3", p.outputs(home, homeRegion, p.database())["Edition"])

	// A user resubmits the first run in Argo.
	again := p.resubmitted(p.runOf(commits[0]))
	assert.Equal(t, "Failed", again.Status.Phase)
	assert.NotContains(t, again.names(), "deploy-dev")
	assert.Equal(t, "edition 3", p.outputs(home, homeRegion, p.database())["Edition"])
	record := p.recordOf(again.Metadata.Name)
	assert.Equal(t, "Superseded", record.Status)
	assert.Contains(t, fmt.Sprint(record), "superseded")

	// An invalid configuration is reported, and changes nothing.
	templates := func() string {
		return p.kubectl("get", "workflowtemplates", "-n", node.Runs, "-l", "app.kubernetes.io/instance=queue-pipeline", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
	}
	before := templates()
	require.NotEmpty(t, before)
	p.configure(strings.Replace(oneEnvironment, "eu-west-1", "atlantis", 1))
	wrong := p.finished(p.push("Move to Atlantis"))
	assert.Equal(t, "Failed", wrong.Status.Phase)
	assert.Equal(t, []string{"validate", "record"}, wrong.names())
	assert.Contains(t, p.argo("logs", wrong.Metadata.Name, "--no-color"), "atlantis")
	assert.Equal(t, before, templates())
	p.configure(oneEnvironment) // deleting the pipeline needs a valid configuration
}

// resubmitted resubmits a run, and waits for its end.
func (p *pipeline) resubmitted(run string) workflow {
	p.t.Helper()
	known := map[string]bool{}
	for _, w := range p.runsOf() {
		known[w.Metadata.Name] = true
	}
	p.argo("resubmit", run)
	var name string
	p.eventually("the run to be there again", time.Minute, func() bool {
		for _, w := range p.runsOf() {
			if !known[w.Metadata.Name] {
				name = w.Metadata.Name
			}
		}
		return name != ""
	})
	return p.ended(name)
}

func (p *pipeline) outputs(account, region, stack string) map[string]string {
	p.t.Helper()
	outputs := map[string]string{}
	for _, output := range p.stack(account, region, stack).Outputs {
		outputs[*output.OutputKey] = *output.OutputValue
	}
	return outputs
}
