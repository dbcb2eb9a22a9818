package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

func TestTheNextPodContinuesADeploymentWhosePodWasKilled(t *testing.T) {
	p := newSmall(t, "killed", `
  - {name: calm, account: "111111111111", region: eu-west-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: ["true"]}}
  - {name: rough, account: "222222222222", region: eu-central-1, stacks: [{name: DATABASE, path: lib/database-stack.ts}], tests: {commands: ["true"]}}
`)
	created := p.finished(p.push("Open"))
	require.Equal(t, "Succeeded", created.Status.Phase, created.Status.Message)

	p.replace("lib/database-stack.ts", "name: 'id', type: AttributeType.STRING },", "name: 'id', type: AttributeType.STRING }, timeToLiveAttribute: 'until',")
	name := p.runOf(p.push("Forget old orders"))
	p.until(name, func(w workflow) bool { return w.step("deploy-calm").Phase == "Succeeded" })
	p.world.Pace(25 * time.Second)
	t.Cleanup(func() { p.world.Pace(0) })
	p.until(name, func(workflow) bool {
		return p.stack(other, "eu-central-1", p.database()).StackStatus == types.StackStatusUpdateInProgress
	})
	killed := p.podOf(name, "deploy-rough")
	p.kubectl("delete", "pod", "-n", node.Runs, killed.Name, "--force", "--grace-period=0")
	p.until(name, func(workflow) bool {
		next := p.podOf(name, "deploy-rough")
		return next.Name != "" && next.UID != killed.UID
	})
	run := p.ended(name)

	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	assert.Contains(t, p.argo("logs", name, "--no-color"), "an operation is in progress (UPDATE_IN_PROGRESS); waiting for it")
	assert.Equal(t, p.databaseHistory(home, homeRegion), p.databaseHistory(other, "eu-central-1"))
}

type pod struct {
	Name, UID   string
	Annotations map[string]string
}

// podOf returns the pod in which a step of a run runs now, if there is one.
func (p *pipeline) podOf(run, stepName string) pod {
	p.t.Helper()
	var pods struct {
		Items []struct {
			Metadata pod
			Status   struct{ Phase string }
		}
	}
	require.NoError(p.t, p.node.Get(p.ctx, "/api/v1/namespaces/"+node.Runs+"/pods?labelSelector=workflows.argoproj.io/workflow%3D"+run, &pods))
	for _, found := range pods.Items {
		if found.Status.Phase == "Running" && strings.Contains(found.Metadata.Annotations["workflows.argoproj.io/node-name"], stepName) {
			return found.Metadata
		}
	}
	return pod{}
}

// databaseHistory returns all states of the database stack of an environment and of its
// resources, sorted by name, and its template.
func (p *pipeline) databaseHistory(account, region string) []string {
	p.t.Helper()
	client, stack := cloudformation.NewFromConfig(p.admin(account, region)), p.database()
	events, err := client.DescribeStackEvents(p.ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	require.NoError(p.t, err)
	var states []string
	for _, event := range events.StackEvents {
		states = append(states, *event.LogicalResourceId+" "+string(event.ResourceStatus))
	}
	slices.Sort(states)
	template, err := client.GetTemplate(p.ctx, &cloudformation.GetTemplateInput{StackName: &stack})
	require.NoError(p.t, err)
	here := strings.NewReplacer(account, "ACCOUNT", region, "REGION", "calm", "NAME", "rough", "NAME")
	return append(states, here.Replace(*template.TemplateBody))
}
