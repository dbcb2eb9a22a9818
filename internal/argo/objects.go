package argo

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Object is one rendered Kubernetes object.
type Object struct {
	Kind, Namespace, Name string
	YAML                  []byte // without a document marker; ends with a newline
}

// File is the object's file name in a folder of objects: "kind-name.yaml".
func (o Object) File() string { return fmt.Sprintf("%s-%s.yaml", lower(o.Kind), o.Name) }

// Objects renders everything that the pipeline of cfg needs in the cluster.
func Objects(cfg *config.Config, p plan.Plan, place plan.Place) ([]Object, error) {
	template, err := WorkflowTemplate(cfg, p, place)
	if err != nil {
		return nil, err
	}
	object, err := encode(template.Kind, template.Namespace, template.Name, template)
	if err != nil {
		return nil, err
	}
	return []Object{object}, nil
}

func encode(kind, namespace, name string, value any) (Object, error) {
	data, err := yaml.Marshal(value)
	if err != nil {
		return Object{}, fmt.Errorf("encoding %s %q: %w", kind, name, err)
	}
	return Object{Kind: kind, Namespace: namespace, Name: name, YAML: data}, nil
}

// Stream joins objects to one YAML stream, as kubectl apply -f - reads it.
func Stream(objects []Object) []byte {
	var stream bytes.Buffer
	for i, object := range objects {
		if i > 0 {
			stream.WriteString("---\n")
		}
		stream.Write(object.YAML)
	}
	return stream.Bytes()
}

func lower(s string) string { return string(bytes.ToLower([]byte(s))) }
