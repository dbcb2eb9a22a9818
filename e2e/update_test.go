package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	oneEnvironment = `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}]}
`
	twoEnvironments = oneEnvironment + `
  - {name: live, account: "111111111111", region: us-east-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}]}
`
	twoAccounts = oneEnvironment + `
  - {name: live, account: "222222222222", region: eu-central-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}]}
`
)

func TestAnEnvironmentThatACommitAddsIsDeployedByThatCommit(t *testing.T) {
	for name, referencing := range map[string]string{"free": "", "strict": "Strict", "secure": "Secure"} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, shared.node.Restrict(shared.ctx, referencing))
			t.Cleanup(func() { require.NoError(t, shared.node.Restrict(shared.ctx, "")) })
			p := newSmall(t, name, oneEnvironment)
			before := []string{"validate", "build", "pipeline", "deploy-dev", "record"}
			first := p.finished(p.push("Open"))
			require.Equal(t, "Succeeded", first.Status.Phase, first.Status.Message)
			assert.Equal(t, before, first.names())

			p.configure(twoEnvironments)
			second := p.finished(p.push("Go live"))
			require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
			assert.Equal(t, []string{"validate", "build", "pipeline", "record"}, second.names(), "another run continues")
			third := p.ended(second.Metadata.Name + "-h")
			require.Equal(t, "Succeeded", third.Status.Phase, third.Status.Message)
			assert.Equal(t, []string{"pipeline", "deploy-dev", "deploy-live", "record"}, third.names(), "nothing is built again")
			assert.Equal(t, third.Metadata.Name, p.recordOf(second.Metadata.Name).HandedOver)
			assert.Equal(t, second.Metadata.Name, p.recordOf(third.Metadata.Name).Origin)
			assert.Equal(t, types.StackStatusCreateComplete, p.stack(home, "us-east-1", p.database()).StackStatus)
		})
	}
}

// TestAnAccountThatACommitAddsWaitsForAPerson is P7 on the cluster.
func TestAnAccountThatACommitAddsWaitsForAPerson(t *testing.T) {
	p := newSmall(t, "waits", oneEnvironment)
	p.configure(twoAccounts)
	first := p.finished(p.push("Go live"))
	require.Equal(t, "Succeeded", first.Status.Phase, first.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "record"}, first.names(), "everything else is deployed")
	assert.Contains(t, first.output("validate", "findings"), "no person has approved that the pipeline accesses account "+other)
	assert.JSONEq(t, `["live"]`, first.output("pipeline", "unreached"))

	p.generator("apply", "--yes")
	second := p.finished(p.push("Go live again"))
	require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "deploy-live", "record"}, second.names())
	assert.Equal(t, types.StackStatusCreateComplete, p.stack(other, "eu-central-1", p.database()).StackStatus)
}
