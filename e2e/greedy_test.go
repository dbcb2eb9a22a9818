package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCodeThatUsesUpMemoryOrDiskEndsAndTheRunSaysWhy has the tests of an environment look
// for a token of the cluster, then take more memory, and more disk, than their pod may.
func TestCodeThatUsesUpMemoryOrDiskEndsAndTheRunSaysWhy(t *testing.T) {
	const tests = `head -c 3G /dev/zero | tail`
	p := newSmall(t, "greedy", `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: [`+
		`"! cat /var/run/secrets/kubernetes.io/serviceaccount/token", "`+tests+`"]}}
podLimits: {memory: 1Gi, storage: 1Gi}
`)
	first := p.finished(p.push("Take all memory"))
	assert.Equal(t, "Failed", first.Status.Phase)
	assert.Contains(t, p.recorded(first).Error, "memory of its pod")

	// The disk of this cluster is in memory.
	p.replace("aphex-config.yaml", tests, `head -c 2G /dev/zero > big; sleep 300`, "memory: 1Gi", "memory: 4Gi")
	second := p.ended(p.runOf(p.push("Take all disk")) + "-h") // the limits change the pipeline
	assert.Equal(t, "Failed", second.Status.Phase)
	assert.Contains(t, second.step("deploy-dev(0)").Message, "exceeds the")
	assert.Empty(t, second.step("deploy-dev(1)").Name, "it would take all disk again")
}
