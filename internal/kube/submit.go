package kube

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// Submission is a run to be started as a Sensor would start it.
type Submission struct {
	Namespace  string            // of the Sensor
	Sensor     string            // name of the Sensor
	Trigger    string            // name of its trigger
	Suffix     string            // what comes after the run's name and title as the Sensor has them
	Parameters map[string]string // values of the workflow's parameters
}

// Submit starts the run that a trigger of the Sensor would start: what the
// Sensor says is the only description of a run. A run of that name that exists
// already, running or over, is not started again.
func (c Cluster) Submit(ctx context.Context, s Submission) (run string, started bool, err error) {
	sensor := reference(manifest.Object{Kind: "Sensor", Namespace: s.Namespace, Name: s.Sensor})
	found, err := c.live(ctx, sensor)
	if err != nil {
		return "", false, err
	}
	if found == nil {
		return "", false, fault.Invalidf("there is no %s in namespace %q", name(sensor), s.Namespace).WithHint("generator apply brings it")
	}
	workflow := workflowOf(found, s.Trigger)
	if workflow == nil {
		return "", false, fault.Invalidf("%s has no trigger %q that makes a Workflow", name(sensor), s.Trigger)
	}
	workflow.SetName(workflow.GetName() + s.Suffix)
	if annotations := workflow.GetAnnotations(); annotations[manifest.AnnotationTitle] != "" {
		annotations[manifest.AnnotationTitle] += s.Suffix
		workflow.SetAnnotations(annotations)
	}
	setParameters(workflow, s.Parameters)
	_, err = c.resource(workflow).Create(ctx, workflow, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return workflow.GetName(), false, nil
	}
	if err != nil {
		return "", false, explain(workflow, err)
	}
	return workflow.GetName(), true, nil
}

// workflowOf gives the Workflow that a trigger of the Sensor makes, or nil.
func workflowOf(sensor *unstructured.Unstructured, trigger string) *unstructured.Unstructured {
	triggers, _, _ := unstructured.NestedSlice(sensor.Object, "spec", "triggers")
	for _, entry := range triggers {
		mapping, _ := entry.(map[string]any)
		if called, _, _ := unstructured.NestedString(mapping, "template", "name"); called != trigger {
			continue
		}
		resource, found, _ := unstructured.NestedMap(mapping, "template", "k8s", "source", "resource")
		if found && resource["kind"] == "Workflow" {
			return &unstructured.Unstructured{Object: resource}
		}
	}
	return nil
}

func setParameters(workflow *unstructured.Unstructured, values map[string]string) {
	parameters, _, _ := unstructured.NestedSlice(workflow.Object, "spec", "arguments", "parameters")
	for _, entry := range parameters {
		mapping, _ := entry.(map[string]any)
		if called, _ := mapping["name"].(string); values[called] != "" {
			mapping["value"] = values[called]
		}
	}
	_ = unstructured.SetNestedSlice(workflow.Object, parameters, "spec", "arguments", "parameters")
}
