package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Object is one Kubernetes object.
type Object struct {
	Kind      string // such as WorkflowTemplate
	Namespace string
	Name      string
	YAML      []byte // one document without a marker, ending with a newline
	JSON      []byte // the same, if whoever rendered it has it
}

// String names the object as kubectl does: "workflowtemplate/shop".
func (o Object) String() string { return strings.ToLower(o.Kind) + "/" + o.Name }

// file is the object's name in a folder of objects.
func (o Object) file() string { return fmt.Sprintf("%s-%s.yaml", strings.ToLower(o.Kind), o.Name) }

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

// Text joins objects to one document in a format: yaml or json.
func Text(format string, objects []Object) ([]byte, error) {
	if format == "json" {
		return List(objects)
	}
	return Stream(objects), nil
}

// List joins objects to one JSON document, as kubectl prints several objects.
func List(objects []Object) ([]byte, error) {
	items := make([]json.RawMessage, 0, len(objects))
	for _, object := range objects {
		item, err := object.json()
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", object, err)
		}
		items = append(items, item)
	}
	list, err := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the list of objects: %w", err)
	}
	return append(list, '\n'), nil
}

func (o Object) json() ([]byte, error) {
	if o.JSON != nil {
		return o.JSON, nil
	}
	return yaml.YAMLToJSON(o.YAML)
}

// Action is the result of applying an object.
type Action string

// The values of Action.
const (
	Created   Action = "created"
	Changed   Action = "changed"
	Unchanged Action = "unchanged"
	Removed   Action = "removed"
)

// Change is the object and the result of applying it.
type Change struct {
	Object string `json:"object"` // "workflowtemplate/shop"
	Action Action `json:"action"`
}
