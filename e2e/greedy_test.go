package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCodeThatUsesUpTheMemoryOfItsPodEndsAndTheRunSaysWhy has the tests of an environment look
// for a token of the cluster, and then take more memory than their pod may.
func TestCodeThatUsesUpTheMemoryOfItsPodEndsAndTheRunSaysWhy(t *testing.T) {
	p := newSmall(t, "greedy", `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: [`+
		`"! cat /var/run/secrets/kubernetes.io/serviceaccount/token", "head -c 3G /dev/zero | tail"]}}
podLimits: {memory: 1Gi}
`)
	run := p.finished(p.push("Take all memory"))
	assert.Equal(t, "Failed", run.Status.Phase)
	assert.Contains(t, p.recorded(run).Error, "memory of its pod")
}
