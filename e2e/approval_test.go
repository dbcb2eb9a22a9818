package e2e

import (
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

func TestARunWaitsForApprovalAndDeploysWhenItIsResumed(t *testing.T) {
	p := newSmall(t, "approval", withApproval)
	name := p.runOf(p.push("Ask first"))
	p.until(name, func(w workflow) bool { return w.step("approve-live").Phase == "Running" })
	database := p.database()
	_, err := cloudformation.NewFromConfig(p.admin(other, "eu-central-1")).DescribeStacks(p.ctx, &cloudformation.DescribeStacksInput{StackName: &database})
	require.ErrorContains(t, err, "does not exist")
	assert.Equal(t, types.StackStatusCreateComplete, p.stack(home, homeRegion, database).StackStatus)

	// The next commit gets to the same point while the first one waits, and supersedes it.
	newer := p.push("Ask for this one")
	next := p.runOf(newer)
	p.until(next, func(w workflow) bool { return w.step("approve-live").Phase == "Running" })
	p.argo("resume", name)
	former := p.ended(name)
	assert.Equal(t, "Failed", former.Status.Phase)
	record := p.recordOf(name)
	assert.Equal(t, "Superseded", record.Status)
	assert.Contains(t, fmt.Sprint(record), "run "+next+" waits for environment live with the newer commit "+newer)
	_, err = cloudformation.NewFromConfig(p.admin(other, "eu-central-1")).DescribeStacks(p.ctx, &cloudformation.DescribeStacksInput{StackName: &database})
	require.ErrorContains(t, err, "does not exist")

	p.argo("resume", next)
	run := p.ended(next)
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "approve-live", "deploy-live", "record"}, run.names())
	assert.Equal(t, types.StackStatusCreateComplete, p.stack(other, "eu-central-1", database).StackStatus)

	// The commit that removes the approval still waits for it; so does the one that adds it again.
	for _, environments := range []string{twoAccounts, withApproval} {
		p.configure(environments)
		first := p.finished(p.push("Ask otherwise"))
		require.Equal(t, "Succeeded", first.Status.Phase, first.Status.Message)
		assert.Equal(t, []string{"validate", "build", "pipeline", "record"}, first.names())
		next := first.Metadata.Name + "-h"
		p.until(next, func(w workflow) bool { return w.step("approve-live").Phase == "Running" })
		p.argo("resume", next)
		second := p.ended(next)
		require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
		assert.Equal(t, []string{"pipeline", "deploy-dev", "approve-live", "deploy-live", "record"}, second.names())
	}
}
