package argo

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Render plans cfg's pipeline and renders all of its objects.
func Render(cfg *config.Config, contracts plan.Stages, place plan.Place) ([]manifest.Object, error) {
	p, err := plan.New(cfg, contracts, place)
	if err != nil {
		return nil, err
	}
	return Objects(cfg, p, place)
}

// Objects renders all objects of cfg's pipeline in the cluster, each after those that it
// refers to.
func Objects(cfg *config.Config, p plan.Plan, place plan.Place) ([]manifest.Object, error) {
	return ObjectsBeside(cfg, p, place, free)
}

// ObjectsBeside renders the objects for a cluster in which some names of versions of the
// template are taken.
func ObjectsBeside(cfg *config.Config, p plan.Plan, place plan.Place, taken Taken) ([]manifest.Object, error) {
	r := newRenderer(cfg, place)
	template, err := r.version(p, taken)
	if err != nil {
		return nil, err
	}
	objects := append(slices.Concat(r.accounts(), r.roles(), r.networks(), r.admission()), template)
	events, err := r.events(template.Name, p.Watch)
	if err != nil {
		return nil, err
	}
	return encodeAll(append(objects, events...))
}

// events renders the objects that start runs, the Sensor last, as it refers to all others.
// A pipeline without a repository in its configuration has none and is started by hand.
func (r *renderer) events(template string, watch *plan.Watch) ([]object, error) {
	if plan.RepositoryURL(r.cfg) == "" {
		return nil, nil
	}
	sensor, err := r.sensor(template)
	if err != nil {
		return nil, err
	}
	return append(append(append(r.service(), r.eventSource()), r.cron(template, watch)...), sensor), nil
}

// Unwanted returns the objects that other configurations of the same pipeline render, but
// this one does not.
func Unwanted(cfg *config.Config) []manifest.Object {
	var unwanted []manifest.Object
	if !plan.HasReconciler(cfg) {
		unwanted = append(unwanted, manifest.Object{Kind: "CronWorkflow", Namespace: cfg.ArgoNamespace, Name: cfg.WorkflowTemplateName})
	}
	if cfg.WebhookService == config.NoService {
		unwanted = append(unwanted, manifest.Object{Kind: "Service", Namespace: cfg.ArgoEventsNamespace, Name: plan.WebhookService(cfg.EventSourceName)})
	}
	return unwanted
}

// object is any typed Kubernetes object.
type object interface {
	metav1.Object
	GroupVersionKind() schema.GroupVersionKind
}

func encodeAll(objects []object) ([]manifest.Object, error) {
	encoded := make([]manifest.Object, 0, len(objects))
	for _, o := range objects {
		one, err := encode(o)
		if err != nil {
			return nil, fmt.Errorf("encoding %s %q: %w", o.GroupVersionKind().Kind, o.GetName(), err)
		}
		encoded = append(encoded, one)
	}
	return encoded, nil
}

// encode writes an object without fields that only a cluster sets, and without empty
// values of its Go type.
func encode(o object) (manifest.Object, error) {
	content, err := contentOf(o)
	if err != nil {
		return manifest.Object{}, err
	}
	one := manifest.Object{Kind: o.GroupVersionKind().Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
	if one.JSON, err = json.Marshal(content); err != nil {
		return manifest.Object{}, err
	}
	one.YAML, err = yaml.Marshal(whole(content))
	return one, err
}

// whole replaces the numbers of JSON that are whole ones, which YAML would write as 1e+06.
func whole(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = whole(inner)
		}
	case []any:
		for i, inner := range value {
			value[i] = whole(inner)
		}
	case float64:
		if n := int64(value); float64(n) == value {
			return n
		}
	}
	return value
}

func contentOf(o object) (any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, err
	}
	delete(content, "status")
	return tidy(content), nil
}

// meant are the keys with a meaningful empty value: an empty volume, all namespaces, a
// pause, parameters, and the URL of a webhook, which the schema of Argo Events requires even
// if it is unused.
var meant = map[string]bool{"emptyDir": true, "namespaceSelector": true, "suspend": true, "value": true, "default": true, "url": true}

// tidy removes zero values of Go types.
func tidy(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = tidy(inner)
			if !meant[key] && saysNothing(key, value[key]) {
				delete(value, key)
			}
		}
	case []any:
		for i, inner := range value {
			value[i] = tidy(inner)
		}
	}
	return value
}

// saysNothing reports whether a value is empty, or a number that Argo Events writes but never reads.
func saysNothing(key string, value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case map[string]any:
		return len(value) == 0
	case float64:
		return key == "id" && value == 0
	}
	return false
}
