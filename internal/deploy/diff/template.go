package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Template is the compared part of a CloudFormation template.
type Template struct {
	Resources map[string]Resource

	content map[string]any // all of it
}

// Resource is one resource of a template.
type Resource struct {
	Type       string
	Properties map[string]any

	Condition           any // name of the condition under which it exists; nil is always
	DeletionPolicy      any
	UpdateReplacePolicy any
}

// Kept is what becomes of a resource that a stack lets go of.
type Kept string

const (
	// Deleted is a resource that is deleted with its data.
	Deleted Kept = "deleted"
	// Retained is a resource that stays as it is, outside of the stack.
	Retained Kept = "retained"
	// Snapshotted is a resource that is deleted after a snapshot of its data.
	Snapshotted Kept = "snapshot"
)

// OnRemoval returns what becomes of the resource when it leaves its stack.
func (r Resource) OnRemoval() Kept { return r.kept(r.DeletionPolicy) }

// OnReplacement returns what becomes of the resource when a new one takes its place.
func (r Resource) OnReplacement() Kept { return r.kept(r.UpdateReplacePolicy) }

// kept follows a policy. Without one, a resource is deleted, and databases of RDS that are
// not in a cluster, and clusters, have a snapshot made (AWS CloudFormation User Guide,
// "DeletionPolicy attribute").
func (r Resource) kept(policy any) Kept {
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		return Retained
	case "Snapshot":
		return Snapshotted
	case nil:
		if r.Type == "AWS::RDS::DBCluster" || r.Type == "AWS::RDS::DBInstance" && r.Properties["DBClusterIdentifier"] == nil {
			return Snapshotted
		}
	}
	return Deleted
}

// Parse parses a template, JSON or YAML; an empty one has no resources.
func Parse(text []byte) (Template, error) {
	var t Template
	if len(bytes.TrimSpace(text)) == 0 {
		return t, nil
	}
	if json.Unmarshal(text, &t.content) != nil {
		var content any
		if err := yaml.Unmarshal(text, &content); err != nil {
			return t, fmt.Errorf("reading a template: %w", err)
		}
		again, err := json.Marshal(content)
		if err != nil {
			return t, fmt.Errorf("reading a template: %w", err)
		}
		if err := json.Unmarshal(again, &t.content); err != nil {
			return t, fmt.Errorf("reading a template: %w", err)
		}
	}
	resources, isMap := t.content["Resources"].(map[string]any)
	if t.content["Resources"] != nil && !isMap {
		return t, errors.New("reading a template: its Resources are not a map")
	}
	t.Resources = map[string]Resource{}
	for id, value := range resources {
		t.Resources[id] = resourceOf(id, value)
	}
	return t, nil
}

// resourceOf reads a resource. A loop (Fn::ForEach) or a macro that stands in the place of resources is one
// resource of the type of this function.
func resourceOf(id string, value any) Resource {
	fields, isMap := value.(map[string]any)
	if function, _, _ := strings.Cut(strings.TrimPrefix(id, "Fn::"), "::"); strings.HasPrefix(id, "Fn::") || !isMap {
		return Resource{Type: "Fn::" + function, Properties: map[string]any{id: value}}
	}
	r := Resource{Condition: fields["Condition"], DeletionPolicy: fields["DeletionPolicy"], UpdateReplacePolicy: fields["UpdateReplacePolicy"]}
	r.Type, _ = fields["Type"].(string)
	switch properties := fields["Properties"].(type) {
	case nil:
	case map[string]any:
		r.Properties = properties
	default:
		r.Properties = map[string]any{"Properties": properties}
	}
	return r
}
