package kube

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Installed are the names of a pipeline's objects and of its bucket, as found in the
// cluster. Unknown names are empty.
type Installed struct {
	Template, EventSource, Sensor, ServiceAccount string
	Variables                                     map[string]string // of the step that updates the pipeline
}

// Installed finds the names of a pipeline by its label in all namespaces. Without
// permission to list all namespaces, it searches the given ones.
func (c Cluster) Installed(ctx context.Context, pipeline string, namespaces ...string) (Installed, error) {
	var found Installed
	current := "" // version of the template that pushes run
	for _, kind := range []string{"Sensor", "EventSource", "WorkflowTemplate"} {
		all, err := c.listAll(ctx, kind, selectorOf(pipeline), namespaces)
		if err != nil {
			return Installed{}, err
		}
		for _, u := range all {
			if kind == "Sensor" {
				current = u.GetAnnotations()[manifest.AnnotationTemplate]
			}
			if kind != "WorkflowTemplate" || found.Variables == nil || u.GetName() == current {
				found.add(u)
			}
		}
	}
	return found, nil
}

func (i *Installed) add(u *unstructured.Unstructured) {
	i.Template = u.GetLabels()[manifest.LabelInstance]
	switch u.GetKind() {
	case "Sensor":
		i.Sensor = u.GetName()
	case "EventSource":
		i.EventSource = u.GetName()
	default:
		i.ServiceAccount, _, _ = unstructured.NestedString(u.Object, "spec", "serviceAccountName")
		i.Variables = variablesOf(u, "pipeline")
	}
}

// variablesOf returns the variables of the container of a template that runs a stage.
func variablesOf(template *unstructured.Unstructured, stage string) map[string]string {
	variables := map[string]string{}
	templates, _, _ := unstructured.NestedSlice(template.Object, "spec", "templates")
	for _, one := range templates {
		step, _ := one.(map[string]any)
		command, _, _ := unstructured.NestedStringSlice(step, "container", "command")
		if len(command) == 0 || command[len(command)-1] != stage {
			continue
		}
		env, _, _ := unstructured.NestedSlice(step, "container", "env")
		for _, entry := range env {
			variable, _ := entry.(map[string]any)
			name, _ := variable["name"].(string)
			variables[name], _ = variable["value"].(string)
		}
	}
	return variables
}
