// Package metric says which metrics a run publishes to CloudWatch. It is pure.
package metric

import (
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// Namespace is the namespace of all metrics.
const Namespace = "AphexPipeline"

// Names of the metrics.
const (
	DeploymentCount    = "DeploymentCount"
	DeploymentDuration = "DeploymentDuration"
	WorkflowCount      = "WorkflowCount"
	WorkflowDuration   = "WorkflowDuration"
)

// Names of the dimensions.
const (
	Pipeline    = "Pipeline"
	Environment = "Environment"
	Stack       = "Stack"
	Status      = "Status"
)

// Unit is the unit of a value.
type Unit string

// The units.
const (
	Count   Unit = "Count"
	Seconds Unit = "Seconds"
)

// Datum is one value of a metric.
type Datum struct {
	Name       string
	Value      float64
	Unit       Unit
	At         time.Time
	Dimensions []Dimension
}

// Dimension is a part of the identity of a metric.
type Dimension struct{ Name, Value string }

// statuses are the values of the dimension Status.
var statuses = map[event.Outcome]string{event.Succeeded: "Succeeded", event.Failed: "Failed", event.Stopped: "Stopped", event.Superseded: "Superseded"}

// ofActions are the values of Status for a stack that a run changed or tried to change.
var ofActions = map[string]string{"created": "Succeeded", "updated": "Succeeded", "destroyed": "Succeeded", "failed": "Failed", "stopped": "Stopped"}

// Of returns the values of a run that earlier records of it have not counted, and what
// these count. A run is counted once, with its first outcome, however often it is retried,
// and so is each attempt of a deployment. The check of a pull request is not counted, nor is
// a run that another one continues, which is.
func Of(run event.Run, counted []string) (data []Datum, counts []string) {
	if run.Check || run.HandedOver != "" {
		return nil, nil
	}
	add := func(key string, at time.Time, count, duration string, took float64, sets ...[]Dimension) {
		if slices.Contains(counted, key) {
			return
		}
		if !slices.Contains(counts, key) {
			counts = append(counts, key)
		}
		for _, dimensions := range sets {
			data = append(data, Datum{count, 1, Count, at, dimensions}, Datum{duration, max(took, 0), Seconds, at, dimensions})
		}
	}
	status := Dimension{Status, statuses[run.Outcome]}
	took := 0.0
	if !run.Created.IsZero() {
		took = run.Ended.Sub(run.Created).Seconds()
	}
	add("run", run.Ended, WorkflowCount, WorkflowDuration, took, []Dimension{status}, []Dimension{{Pipeline, run.Pipeline}, status})
	for _, env := range run.Environments {
		if env.Ended.IsZero() {
			continue // its pod was lost, and whether it is retried is not known
		}
		key := strings.Join([]string{env.Name, env.Ended.UTC().Format(time.RFC3339Nano)}, " ")
		add(key, env.Ended, DeploymentCount, DeploymentDuration, env.Ended.Sub(env.Started).Seconds(),
			[]Dimension{{Pipeline, run.Pipeline}, {Environment, env.Name}, {Status, statuses[env.Outcome]}})
		for _, stack := range env.Stacks {
			if status, changed := ofActions[stack.Action]; changed {
				add(key, env.Ended, DeploymentCount, DeploymentDuration, stack.Seconds, []Dimension{{Environment, env.Name}, {Stack, stack.Name}, {Status, status}})
			}
		}
	}
	return data, counts
}
