package argo

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Objects renders everything that the pipeline of cfg needs in the cluster, in
// an order in which nothing points to what is not there yet.
func Objects(cfg *config.Config, p plan.Plan, place plan.Place) ([]manifest.Object, error) {
	return ObjectsBeside(cfg, p, place, free)
}

// ObjectsBeside renders the objects for a cluster in which some names of the
// template's versions are taken.
func ObjectsBeside(cfg *config.Config, p plan.Plan, place plan.Place, taken Taken) ([]manifest.Object, error) {
	r := newRenderer(cfg, place)
	template, _, err := r.version(p, taken)
	if err != nil {
		return nil, err
	}
	return encodeAll([]object{template})
}

// object is any typed Kubernetes object.
type object interface {
	metav1.Object
	GroupVersionKind() schema.GroupVersionKind
}

func encodeAll(objects []object) ([]manifest.Object, error) {
	encoded := make([]manifest.Object, 0, len(objects))
	for _, o := range objects {
		text, err := encode(o)
		if err != nil {
			return nil, fmt.Errorf("encoding %s %q: %w", o.GroupVersionKind().Kind, o.GetName(), err)
		}
		encoded = append(encoded, manifest.Object{
			Kind: o.GroupVersionKind().Kind, Namespace: o.GetNamespace(), Name: o.GetName(), YAML: text,
		})
	}
	return encoded, nil
}

// encode writes an object without what only a cluster knows, and without the
// empty values that Go's types of it leave.
func encode(o object) ([]byte, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var content map[string]any
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, err
	}
	delete(content, "status")
	return yaml.Marshal(tidy(content))
}

// tidy removes values that say nothing: null, and an empty mapping that stands
// for a type's zero value. An empty volume and a pause are empty mappings with
// a meaning.
func tidy(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			inner = tidy(inner)
			if mapping, ok := inner.(map[string]any); inner == nil || ok && len(mapping) == 0 && key != "emptyDir" && key != "suspend" {
				delete(value, key)
				continue
			}
			value[key] = inner
		}
	case []any:
		for i, inner := range value {
			value[i] = tidy(inner)
		}
	}
	return value
}
