package diff

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Template is the compared part of a CloudFormation template.
type Template struct {
	Resources map[string]Resource
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
	if json.Unmarshal(text, &t) == nil {
		return t, nil
	}
	var content any
	if err := yaml.Unmarshal(text, &content); err != nil {
		return t, fmt.Errorf("reading a template: %w", err)
	}
	again, err := json.Marshal(content)
	if err != nil {
		return t, fmt.Errorf("reading a template: %w", err)
	}
	if err := json.Unmarshal(again, &t); err != nil {
		return t, fmt.Errorf("reading a template: %w", err)
	}
	return t, nil
}
