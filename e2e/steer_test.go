package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withWindow has a window that is always open, so that a freeze is waited for.
var withWindow = strings.Replace(oneEnvironment, "stacks:", `windows: [{days: [mon-sun], from: "00:00", to: "24:00", timezone: Europe/Berlin}], stacks:`, 1)

func TestARollbackDeploysWhatWasProvenAndAFreezeHoldsUpThePushThatFollows(t *testing.T) {
	p := newSmall(t, "back", withWindow)
	const output = "new CfnOutput(this, 'OrdersTableName', { value: this.orders.tableName });"
	edition := func(number int) string {
		return fmt.Sprintf("new CfnOutput(this, 'Edition', { value: 'edition %d' });", number)
	}
	p.replace("lib/database-stack.ts", output, output+edition(1))
	first := p.push("Edition 1")
	pushed := p.finished(first)
	require.Equal(t, "Succeeded", pushed.Status.Phase, pushed.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "gate-dev", "deploy-dev", "record"}, pushed.names())
	p.replace("lib/database-stack.ts", edition(1), edition(2))
	second := p.finished(p.push("Edition 2"))
	require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
	require.Equal(t, "edition 2", p.outputs(home, homeRegion, p.database())["Edition"])

	p.generator("rollback", "dev", "--reason", "ticket 4711", "--yes", "--watch")
	back := p.ended(p.runOf(first) + "-b1")
	assert.Equal(t, []string{"pipeline", "gate-dev", "deploy-dev", "record"}, back.names(), "nothing is built")
	assert.Equal(t, "edition 1", p.outputs(home, homeRegion, p.database())["Edition"])
	shown := p.generator("show", back.Metadata.Name)
	assert.Contains(t, shown, "ticket 4711")
	took := func(w workflow) float64 {
		return w.step("deploy-dev(0)").FinishedAt.Sub(w.step("deploy-dev(0)").StartedAt).Seconds()
	}
	t.Logf("the deployment of the rollback took %.0f s, that of the push %.0f s", took(back), took(second))

	p.generator("freeze", "dev", "--why", "the year ends")
	p.replace("lib/database-stack.ts", edition(2), edition(3))
	third := p.push("Edition 3")
	p.until(p.runOf(third), func(w workflow) bool { return strings.HasPrefix(w.step("gate-dev(0)").Phase, "Running") })
	assert.Contains(t, p.generator("status"), "the year ends")
	assert.Equal(t, "edition 1", p.outputs(home, homeRegion, p.database())["Edition"])
	p.generator("unfreeze", "dev", "--why", "it has begun")
	held := p.finished(third)
	require.Equal(t, "Succeeded", held.Status.Phase, held.Status.Message)
	assert.Equal(t, "edition 3", p.outputs(home, homeRegion, p.database())["Edition"])
}
