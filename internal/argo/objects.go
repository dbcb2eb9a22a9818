package argo

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Objects renders everything that the pipeline of cfg needs in the cluster.
func Objects(cfg *config.Config, p plan.Plan, place plan.Place) ([]manifest.Object, error) {
	template, err := WorkflowTemplate(cfg, p, place)
	if err != nil {
		return nil, err
	}
	data, err := yaml.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding workflow template %q: %w", template.Name, err)
	}
	return []manifest.Object{{Kind: template.Kind, Namespace: template.Namespace, Name: template.Name, YAML: data}}, nil
}
