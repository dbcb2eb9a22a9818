package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

const allows = `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}}}}}`

// described returns the details of a stack with a template, after a deployment.
func described(t *testing.T, r cfn.Result) *stage.Details {
	t.Helper()
	file := filepath.Join(t.TempDir(), "api.template.json")
	require.NoError(t, os.WriteFile(file, []byte(allows), 0o600))
	targets := map[string]target{"Api": {name: "Api", region: "eu-west-1", stack: assembly.Stack{Name: "dev-Api", Template: file}}}
	results, err := conclude([]schedule.Result[cfn.Result]{{Name: "Api", State: schedule.Done, Value: r}}, targets)
	require.NoError(t, err)
	return results.Details(func(text string) string { return strings.ReplaceAll(text, "secret", "***") })
}

func TestTheDetailsOfADeploymentHaveEachResourceWithItsTime(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	event := func(second int, id, status, reason string) cfn.ResourceEvent {
		return cfn.ResourceEvent{StackID: "arn", PhysicalID: id + "-1", LogicalID: id, Type: "AWS::SQS::Queue", Status: status, Reason: reason, Time: at.Add(time.Duration(second) * time.Second)}
	}
	itself := cfn.ResourceEvent{StackID: "arn", PhysicalID: "arn", LogicalID: "dev-Api", Type: "AWS::CloudFormation::Stack", Status: "UPDATE_IN_PROGRESS", Time: at}
	d := described(t, cfn.Result{
		Started: at, Events: []cfn.ResourceEvent{
			itself, event(1, "Orders", "UPDATE_IN_PROGRESS", ""), event(2, "Dead", "CREATE_IN_PROGRESS", ""), event(4, "Dead", "CREATE_FAILED", "no secret"),
			event(9, "Orders", "UPDATE_COMPLETE", ""), event(10, "Orders", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
		},
		Outputs: []cfn.Output{{Key: "Url", Value: "https://secret"}, {Key: "ExportsOutputRefOrders", Value: "x"}},
	})
	require.Len(t, d.Stacks, 1)
	assert.Equal(t, []stage.ResourceDetails{
		{Name: "Orders", Type: "AWS::SQS::Queue", Change: "update", Started: at.Add(time.Second), Seconds: 8},
		{Name: "Dead", Type: "AWS::SQS::Queue", Change: "create", Started: at.Add(2 * time.Second), Seconds: 2, Error: "no ***"},
		{Name: "Orders", Type: "AWS::SQS::Queue", Change: "rollback", Started: at.Add(10 * time.Second)},
	}, d.Stacks[0].Resources)
	assert.Equal(t, []stage.StackOutput{{Stack: "Api", Key: "Url", Value: "https://***"}}, d.Outputs)
}

func TestTheDetailsOfADeploymentHaveTheRightsThatBecameWider(t *testing.T) {
	now := time.Now()
	wider := []stage.WiderRight{{Resource: "Role", Text: "lambda.amazonaws.com may assume ${Role} (sts:AssumeRole)"}}
	assert.Equal(t, wider, described(t, cfn.Result{Started: now, Before: []byte{}}).Stacks[0].Rights, "a new stack")
	assert.Equal(t, wider, described(t, cfn.Result{Started: now, Before: []byte("Resources: {}")}).Stacks[0].Rights)
	assert.Empty(t, described(t, cfn.Result{Started: now, Before: []byte(allows)}).Stacks[0].Rights)
	assert.Empty(t, described(t, cfn.Result{Started: now}).Stacks[0].Rights, "nothing is known of the template before")
}

func TestTheDetailsOfALargeDeploymentAreCutToWhatFailedAndTookLongest(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r := cfn.Result{Started: at}
	for i := range 2 * mostResources {
		e := cfn.ResourceEvent{StackID: "arn", PhysicalID: "x", LogicalID: fmt.Sprintf("Queue%03d", i), Type: "AWS::SQS::Queue", Status: "CREATE_IN_PROGRESS", Time: at}
		r.Events = append(r.Events, e)
		e.Status, e.Time = "CREATE_COMPLETE", at.Add(time.Duration(i+1)*time.Second)
		if i == 0 {
			e.Status, e.Reason = "CREATE_FAILED", strings.Repeat("é", mostOfText)
		}
		r.Events = append(r.Events, e)
	}
	for i := range mostOutputs + 5 {
		r.Outputs = append(r.Outputs, cfn.Output{Key: fmt.Sprint(i)})
	}
	d := described(t, r)
	stack := d.Stacks[0]
	assert.Len(t, stack.Resources, mostResources)
	assert.Equal(t, mostResources, stack.Omitted)
	assert.Equal(t, "Queue000", stack.Resources[0].Name)
	assert.LessOrEqual(t, len(stack.Resources[0].Error), mostOfText+len("…"))
	assert.Equal(t, []int{mostOutputs, 5}, []int{len(d.Outputs), d.Omitted})
}
