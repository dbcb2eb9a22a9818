package cloudformation_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// graph is a random template: resources that refer to earlier ones, one of
// which may fail.
type graph struct {
	Needs   map[string][]string
	Failing string
}

func drawGraph(rt *rapid.T) graph {
	g := graph{Needs: map[string][]string{}}
	var names []string
	for i := range rapid.IntRange(1, 9).Draw(rt, "count") {
		name := fmt.Sprintf("R%d", i)
		g.Needs[name] = nil
		for _, earlier := range names {
			if rapid.IntRange(0, 3).Draw(rt, name+earlier) == 0 {
				g.Needs[name] = append(g.Needs[name], earlier)
			}
		}
		names = append(names, name)
	}
	if rapid.Bool().Draw(rt, "fails") {
		g.Failing = rapid.SampledFrom(names).Draw(rt, "failing")
	}
	return g
}

// template writes the graph; version changes a property of every resource.
func (g graph) template(t *testing.T, version int) string {
	t.Helper()
	resources := map[string]any{}
	for name, needs := range g.Needs {
		references := []any{}
		for _, need := range needs {
			references = append(references, map[string]any{"Ref": need})
		}
		resources[name] = map[string]any{
			"Type": "Custom::Thing", "Properties": map[string]any{"Version": version, "Needs": references},
		}
	}
	body, err := json.Marshal(map[string]any{"Resources": resources})
	require.NoError(t, err)
	return string(body)
}

// duration differs between resources, but is always the same.
func duration(_, logicalID string) time.Duration {
	return time.Duration(1+int(logicalID[len(logicalID)-1]-'0')*7%5) * 10 * time.Millisecond
}

// deploy deploys a graph and returns the stack's events, with the resources
// that are alive at the end.
func (g graph) deploy(t *testing.T) (lines []string, alive int, status types.StackStatus) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{ResourceTime: duration})
		defer c.engine.Close()
		c.host.handlers["Custom::Thing"] = true
		if g.Failing != "" {
			c.engine.FailResource(cloudformation.Rule{LogicalID: g.Failing, Operation: "CREATE"})
		}
		status = c.create("app", g.template(t, 1)).StackStatus
		lines, alive = c.events("app"), len(c.host.alive)
	})
	return lines, alive, status
}

func TestAnyStackIsCreatedInOrderOrLeavesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawGraph(rt)
		lines, alive, status := g.deploy(t)
		for name, needs := range g.Needs {
			begin := slices.Index(lines, name+" CREATE_IN_PROGRESS")
			for _, need := range needs {
				if begin >= 0 {
					complete := slices.Index(lines, need+" CREATE_COMPLETE")
					assert.True(rt, complete >= 0 && complete < begin, "%s before %s in\n%s", need, name, strings.Join(lines, "\n"))
				}
				if gone := slices.Index(lines, name+" DELETE_COMPLETE"); gone >= 0 {
					assert.Less(rt, gone, slices.Index(lines, need+" DELETE_IN_PROGRESS"), strings.Join(lines, "\n"))
				}
			}
		}
		if g.Failing == "" {
			assert.Equal(rt, types.StackStatusCreateComplete, status)
			assert.Equal(rt, len(g.Needs), alive)
			return
		}
		assert.Equal(rt, types.StackStatusRollbackComplete, status)
		assert.Zero(rt, alive)
	})
}

func TestAnyFailedUpdateLeavesTheStackAsItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := drawGraph(rt)
		if g.Failing == "" {
			g.Failing = "R0"
		}
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{ResourceTime: duration})
			defer c.engine.Close()
			c.host.handlers["Custom::Thing"] = true
			c.create("app", g.template(t, 1))
			before, had := c.resources("app"), snapshotOf(c)
			c.engine.FailResource(cloudformation.Rule{LogicalID: g.Failing, Operation: "UPDATE", Times: 1})
			s := c.update("app", g.template(t, 2))
			assert.Equal(rt, types.StackStatusUpdateRollbackComplete, s.StackStatus)
			assert.Equal(rt, before, c.resources("app"))
			assert.Equal(rt, had, snapshotOf(c))
		})
	})
}

// snapshotOf is what the host has: the properties by physical id.
func snapshotOf(c *cloud) map[string]any {
	result := map[string]any{}
	for id, r := range c.host.alive {
		result[id] = r.Properties
	}
	return result
}
