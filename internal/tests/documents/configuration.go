package documents

import (
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Elsewhere is the directive of a YAML block that is not a configuration of ours, though
// it looks like one.
const Elsewhere = "test: not a configuration"

// Configuration returns the configuration that a YAML block shows: the block itself, or,
// for one that shows a part of it, a small configuration with this part. It returns nil
// for a block that belongs to something else: Kubernetes, a workflow of GitHub, or what
// the directive says.
func (b Block) Configuration() ([]byte, error) {
	var shown any
	if err := yaml.Unmarshal([]byte(b.Text), &shown); err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	if b.Directive == Elsewhere {
		return nil, nil
	}
	keys, err := readKeys()
	if err != nil {
		return nil, err
	}
	switch part := shown.(type) {
	case map[string]any:
		switch {
		case part["kind"] != nil, part["jobs"] != nil:
			return nil, nil
		case part["version"] != nil:
			return []byte(b.Text), nil
		case keys.file.hasAll(part):
			return complete(part)
		case keys.environment.hasAll(part):
			return complete(map[string]any{"environments": []any{part}})
		}
	case []any:
		switch {
		case keys.stack.hasEach(part):
			return complete(map[string]any{"stacks": part})
		case keys.environment.hasEach(part):
			return complete(map[string]any{"environments": part})
		}
	}
	return nil, fmt.Errorf("not a configuration, nor a part of one: put <!-- %s --> before the block if it is something else", Elsewhere)
}

// keySet are the keys of a mapping of the configuration.
type keySet map[string]any

func (s keySet) hasAll(mapping map[string]any) bool {
	for key := range mapping {
		if _, has := s[key]; !has {
			return false
		}
	}
	return len(mapping) > 0
}

func (s keySet) hasEach(list []any) bool {
	for _, entry := range list {
		mapping, is := entry.(map[string]any)
		if !is || !s.hasAll(mapping) {
			return false
		}
	}
	return len(list) > 0
}

type keys struct{ file, environment, stack keySet }

// readKeys reads the keys from the schema of the configuration.
func readKeys() (keys, error) {
	text, err := config.Schema()
	if err != nil {
		return keys{}, err
	}
	var schema struct {
		Properties  keySet
		Definitions map[string]struct{ Properties keySet }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return keys{}, fmt.Errorf("reading the schema of the configuration: %w", err)
	}
	return keys{schema.Properties, schema.Definitions["Environment"].Properties, schema.Definitions["Stack"].Properties}, nil
}

// complete adds what a part of a configuration lacks.
func complete(part map[string]any) ([]byte, error) {
	part["version"] = "1.0"
	declared, whole := part["stacks"].([]any)
	names := []any{"ApiStack"}
	if whole {
		names = nil
		for _, stack := range declared {
			names = append(names, stack.(map[string]any)["name"])
		}
	}
	environments, _ := part["environments"].([]any)
	if environments == nil {
		environments = []any{map[string]any{}}
	}
	exists := map[any]bool{}
	for i, entry := range environments {
		environment, is := entry.(map[string]any)
		if !is {
			return nil, fmt.Errorf("environment %d is not a mapping", i+1)
		}
		exists[fill(environment, i, names)] = true
	}
	for _, entry := range environments {
		after, _ := entry.(map[string]any)["after"].([]any)
		for _, name := range after {
			if !exists[name] {
				exists[name] = true
				earlier := map[string]any{"name": name}
				fill(earlier, 0, names)
				environments = append([]any{earlier}, environments...)
			}
		}
	}
	part["environments"] = environments
	if !whole {
		part["stacks"] = stacksOf(environments)
	}
	if list, _ := part["stacks"].([]any); len(list) == 0 {
		delete(part, "stacks")
	}
	return yaml.Marshal(part)
}

// fill adds the required keys that an environment lacks, and returns its name.
func fill(environment map[string]any, index int, stacks []any) any {
	for key, value := range map[string]any{
		"name": fmt.Sprintf("environment-%d", index+1), "account": "111111111111", "region": "eu-west-1", "stacks": stacks,
	} {
		if environment[key] == nil {
			environment[key] = value
		}
	}
	return environment["name"]
}

// stacksOf declares the stacks that environments only name.
func stacksOf(environments []any) (declared []any) {
	known := map[string]bool{}
	for _, entry := range environments {
		stacks, _ := entry.(map[string]any)["stacks"].([]any)
		for _, stack := range stacks {
			if name, only := stack.(string); only && !known[name] {
				known[name] = true
				declared = append(declared, map[string]any{"name": name})
			}
		}
	}
	return declared
}
