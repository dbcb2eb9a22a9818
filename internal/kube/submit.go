package kube

import (
	"context"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Submission describes a run to start as a Sensor would start it.
type Submission struct {
	Namespace  string            // of the Sensor
	Sensor     string            // name of the Sensor
	Trigger    string            // name of its trigger
	Name       string            // of the run
	Former     string            // other name of the same run: if it exists, none is started; may be empty
	Title      string            // appended to the title of the Sensor's runs
	Template   string            // version of the template; empty is the Sensor's
	Entrypoint string            // empty is the Sensor's
	Parameters map[string]string // values of the workflow's parameters
	Requires   []string          // parameters that the template must declare
}

// Submit starts the run that a trigger of the Sensor would start; the Sensor is the
// only description of a run. It does not start a run whose name already exists,
// running or finished.
func (c Cluster) Submit(ctx context.Context, s Submission) (run string, started bool, err error) {
	workflow, err := c.triggered(ctx, s)
	if err != nil {
		return "", false, err
	}
	if err := c.requireParameters(ctx, workflow, s.Requires); err != nil {
		return "", false, err
	}
	if s.Former != "" {
		workflow.SetName(s.Former)
		if free, err := c.create(ctx, workflow, metav1.DryRunAll); err != nil || !free {
			return s.Former, false, err
		}
	}
	workflow.SetName(s.Name)
	started, err = c.create(ctx, workflow)
	return s.Name, started, err
}

// Create creates an object unless one of its name exists.
func (c Cluster) Create(ctx context.Context, object manifest.Object) (created bool, err error) {
	set, err := parse([]manifest.Object{object})
	if err != nil {
		return false, err
	}
	return c.create(ctx, set[0])
}

// create also reports, with a dry run, whether a name is free: the permission to create
// objects does not include the permission to read others.
func (c Cluster) create(ctx context.Context, u *unstructured.Unstructured, dryRun ...string) (created bool, err error) {
	_, err = c.resource(u).Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager, DryRun: dryRun})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(u, err)
	}
	return true, nil
}

// triggered returns the Workflow of a submission as the Sensor would create it, except for
// its name.
func (c Cluster) triggered(ctx context.Context, s Submission) (*unstructured.Unstructured, error) {
	sensor := reference(manifest.Object{Kind: "Sensor", Namespace: s.Namespace, Name: s.Sensor})
	found, err := c.live(ctx, sensor)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errs.Invalidf("there is no %s in namespace %q", name(sensor), s.Namespace).WithHint("generator apply installs it")
	}
	workflow := workflowOf(found, s.Trigger)
	if workflow == nil {
		return nil, errs.Invalidf("%s has no trigger %q that creates a Workflow", name(sensor), s.Trigger)
	}
	if annotations := workflow.GetAnnotations(); annotations[manifest.AnnotationTitle] != "" {
		annotations[manifest.AnnotationTitle] += s.Title
		workflow.SetAnnotations(annotations)
	}
	if s.Template != "" {
		_ = unstructured.SetNestedField(workflow.Object, s.Template, "spec", "workflowTemplateRef", "name")
	}
	if s.Entrypoint != "" {
		_ = unstructured.SetNestedField(workflow.Object, s.Entrypoint, "spec", "entrypoint")
	}
	setParameters(workflow, s.Parameters)
	return workflow, nil
}

// workflowOf returns the Workflow that a trigger of the Sensor creates, or nil.
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

// setParameters sets the values of parameters, adding those that the Workflow lacks.
func setParameters(workflow *unstructured.Unstructured, values map[string]string) {
	parameters, _, _ := unstructured.NestedSlice(workflow.Object, "spec", "arguments", "parameters")
	named := map[string]bool{}
	for _, entry := range parameters {
		mapping, _ := entry.(map[string]any)
		called, _ := mapping["name"].(string)
		named[called] = true
		if values[called] != "" {
			mapping["value"] = values[called]
		}
	}
	for _, called := range slices.Sorted(maps.Keys(values)) {
		if !named[called] && values[called] != "" {
			parameters = append(parameters, map[string]any{"name": called, "value": values[called]})
		}
	}
	_ = unstructured.SetNestedSlice(workflow.Object, parameters, "spec", "arguments", "parameters")
}
