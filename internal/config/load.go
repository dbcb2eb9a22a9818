package config

import (
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Load reads the configuration of that file name. Its error is Problems.
func Load(file string) (*Config, error) {
	source, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return nil, Problems{{File: file, Message: err.Error()}}
	}
	return Parse(file, source)
}

// Parse reads a configuration from its text; name is what problems call the
// file. Its error is Problems.
func Parse(name string, source []byte) (*Config, error) {
	config := &Config{}
	if err := yaml.UnmarshalStrict(source, config); err != nil {
		return nil, Problems{{File: name, Message: err.Error()}}
	}
	config.resolve()
	return config, nil
}

func (c *Config) resolve() {
	declared := map[string]Stack{}
	for _, stack := range c.Stacks {
		declared[stack.Name] = stack
	}
	for i := range c.Environments {
		env := &c.Environments[i]
		for j, stack := range env.Stacks {
			if known, found := declared[stack.Name]; found {
				env.Stacks[j] = known
			}
		}
		if env.After == nil && i > 0 {
			env.After = []string{c.Environments[i-1].Name}
		}
		env.Concurrency = max(env.Concurrency, 1)
	}
}
