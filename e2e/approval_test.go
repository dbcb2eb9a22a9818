package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const withApproval = oneEnvironment + `
  - {name: live, requiresApproval: true, account: "222222222222", region: eu-central-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}]}
`

// waits waits until a run waits for the approval of live.
func (p *pipeline) waits(run string) {
	p.t.Helper()
	p.until(run, func(w workflow) bool { return w.step("gate-live(0)").Phase == "Running" })
}

// approve approves the deployment of a run to live.
func (p *pipeline) approve(run string) {
	p.t.Helper()
	p.generator("approve", run, "--environment", "live", "--why", "ticket 4711", "--yes")
}

func TestARunWaitsForApprovalAndDeploysWhenAPersonApprovesIt(t *testing.T) {
	p := newSmall(t, "approval", withApproval)
	name := p.runOf(p.push("Ask first"))
	p.waits(name)
	database := p.database()
	absent := func() {
		t.Helper()
		_, err := cloudformation.NewFromConfig(p.admin(other, "eu-central-1")).DescribeStacks(p.ctx, &cloudformation.DescribeStacksInput{StackName: &database})
		require.ErrorContains(t, err, "does not exist")
	}
	absent()
	assert.Equal(t, types.StackStatusCreateComplete, p.stack(home, homeRegion, database).StackStatus)
	assert.Contains(t, p.generator("status"), "waits for an approval: "+name)

	// The next commit gets to the same point while the first one waits, which ends by itself.
	newer := p.push("Ask for this one")
	next := p.runOf(newer)
	former := p.ended(name)
	assert.Equal(t, "Failed", former.Status.Phase)
	record := p.recordOf(name)
	assert.Equal(t, "Superseded", record.Status)
	assert.Contains(t, fmt.Sprint(record), "run "+next+" waits for environment live with the newer commit "+newer)
	absent()

	p.waits(next)
	_, err := p.node.Argo(p.ctx, "resume", next)
	t.Log("argo resume:", err)
	p.approve(next)
	run := p.ended(next)
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "gate-live", "deploy-live", "record"}, run.names())
	assert.Equal(t, types.StackStatusCreateComplete, p.stack(other, "eu-central-1", database).StackStatus)
	gates := run.output("gate-live", "gates")
	assert.Contains(t, gates, `"attested":true`, "the API server compared the name with the user")
	assert.Contains(t, gates, "ticket 4711")
	p.refusesForged(next + "-o1")

	// The commit that removes the approval still waits for it; so does the one that adds it again.
	for _, environments := range []string{twoAccounts, withApproval} {
		p.configure(environments)
		first := p.finished(p.push("Ask otherwise"))
		require.Equal(t, "Succeeded", first.Status.Phase, first.Status.Message)
		assert.Equal(t, []string{"validate", "build", "pipeline", "record"}, first.names())
		next := first.Metadata.Name + "-h"
		p.waits(next)
		p.approve(next)
		second := p.ended(next)
		require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
		assert.Equal(t, []string{"pipeline", "deploy-dev", "gate-live", "deploy-live", "record"}, second.names())
	}

	rejected := p.runOf(p.push("Ask in vain"))
	p.waits(rejected)
	p.generator("reject", rejected, "--environment", "live", "--why", "not today", "--yes")
	assert.Equal(t, "Failed", p.ended(rejected).Status.Phase)
	record = p.recordOf(rejected)
	assert.Equal(t, "Held", record.Status)
	assert.Contains(t, record.Error, "not today")
}

// refusesForged checks that the API server refuses a run like the one that stored an approval, as
// another person.
func (p *pipeline) refusesForged(approval string) {
	p.t.Helper()
	var forged map[string]any
	require.NoError(p.t, p.node.Get(p.ctx, runs+"/"+approval, &forged))
	forged["metadata"] = map[string]any{"name": approval + "x", "namespace": forged["metadata"].(map[string]any)["namespace"]}
	delete(forged, "status")
	parameters := forged["spec"].(map[string]any)["arguments"].(map[string]any)["parameters"].([]any)
	for _, entry := range parameters {
		if parameter := entry.(map[string]any); parameter["name"] == "pusher" {
			parameter["value"] = "ada@example.com"
		}
	}
	text, err := json.Marshal(forged)
	require.NoError(p.t, err)
	_, err = p.node.Kubectl(p.ctx, string(text), "create", "-f", "-")
	require.ErrorContains(p.t, err, "names this person")
}
