package metric_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// run deployed to dev and failed in prod.
func run() event.Run {
	return event.Run{
		Pipeline: "shop", Run: "shop-1", Outcome: event.Failed, Created: noon, Ended: noon.Add(90 * time.Second),
		Environments: []event.Environment{
			{Name: "dev", Outcome: event.Succeeded, Started: noon.Add(10 * time.Second), Ended: noon.Add(40 * time.Second), Stacks: []event.Stack{{Name: "Data", Action: "unchanged", Seconds: 1}, {Name: "Api", Action: "updated", Seconds: 20}}},
			{Name: "prod", Outcome: event.Failed, Started: noon.Add(40 * time.Second), Ended: noon.Add(80 * time.Second), Stacks: []event.Stack{{Name: "Data", Action: "failed", Seconds: 30}, {Name: "Api", Action: "skipped"}}},
			{Name: "lost", Outcome: event.Failed},
		},
	}
}

// shown are data in one line each.
func shown(data []metric.Datum) (lines []string) {
	for _, d := range data {
		var dimensions []string
		for _, one := range d.Dimensions {
			dimensions = append(dimensions, one.Name+"="+one.Value)
		}
		lines = append(lines, fmt.Sprintf("%s %g %s %s", d.Name, d.Value, d.Unit, strings.Join(dimensions, ",")))
	}
	return lines
}

func TestARunCountsItselfItsEnvironmentsAndTheStacksThatItChanged(t *testing.T) {
	data, _ := metric.Of(run(), nil)
	assert.Equal(t, []string{
		"WorkflowCount 1 Count Status=Failed", "WorkflowDuration 90 Seconds Status=Failed",
		"WorkflowCount 1 Count Pipeline=shop,Status=Failed", "WorkflowDuration 90 Seconds Pipeline=shop,Status=Failed",
		"DeploymentCount 1 Count Pipeline=shop,Environment=dev,Status=Succeeded", "DeploymentDuration 30 Seconds Pipeline=shop,Environment=dev,Status=Succeeded",
		"DeploymentCount 1 Count Environment=dev,Stack=Api,Status=Succeeded", "DeploymentDuration 20 Seconds Environment=dev,Stack=Api,Status=Succeeded",
		"DeploymentCount 1 Count Pipeline=shop,Environment=prod,Status=Failed", "DeploymentDuration 40 Seconds Pipeline=shop,Environment=prod,Status=Failed",
		"DeploymentCount 1 Count Environment=prod,Stack=Data,Status=Failed", "DeploymentDuration 30 Seconds Environment=prod,Stack=Data,Status=Failed",
	}, shown(data))
	assert.Equal(t, noon.Add(40*time.Second), data[4].At)
}

func TestARetriedRunCountsOnlyTheAttemptsThatWereNotCounted(t *testing.T) {
	_, counted := metric.Of(run(), nil)
	again, more := metric.Of(run(), counted)
	assert.Empty(t, again)
	assert.Empty(t, more)

	retried := run()
	retried.Outcome, retried.Environments[1].Outcome = event.Succeeded, event.Succeeded
	retried.Environments[1].Started, retried.Environments[1].Ended = noon.Add(200*time.Second), noon.Add(210*time.Second)
	retried.Environments[1].Stacks = []event.Stack{{Name: "Data", Action: "updated", Seconds: 5}}
	data, more := metric.Of(retried, counted)
	assert.Equal(t, []string{
		"DeploymentCount 1 Count Pipeline=shop,Environment=prod,Status=Succeeded", "DeploymentDuration 10 Seconds Pipeline=shop,Environment=prod,Status=Succeeded",
		"DeploymentCount 1 Count Environment=prod,Stack=Data,Status=Succeeded", "DeploymentDuration 5 Seconds Environment=prod,Stack=Data,Status=Succeeded",
	}, shown(data))
	assert.Len(t, more, 1)
}

func TestWhatDeploysNothingIsNotCounted(t *testing.T) {
	check, handedOver := run(), run()
	check.Check, handedOver.HandedOver = true, "shop-1-h"
	for _, r := range []event.Run{check, handedOver} {
		data, counted := metric.Of(r, nil)
		assert.Empty(t, data)
		assert.Empty(t, counted)
	}
}
