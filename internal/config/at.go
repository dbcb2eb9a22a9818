package config

import (
	"path"
	"path/filepath"
)

// At returns the configuration for a file in the repository: the default path of a
// stack is the folder of the file, relative to the repository.
func (c *Config) At(file string) *Config {
	folder := path.Dir(path.Clean(filepath.ToSlash(file)))
	for i := range c.Environments {
		fillPaths(c.Environments[i].Stacks, folder)
	}
	fillPaths(c.Stacks, folder)
	if c.PipelineStack != nil && c.PipelineStack.Path == "" {
		c.PipelineStack.Path = folder
	}
	return c
}

func fillPaths(stacks []Stack, folder string) {
	for i := range stacks {
		if stacks[i].Path == "" {
			stacks[i].Path = folder
		}
	}
}
