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
