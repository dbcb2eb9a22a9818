package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Version is the only supported version of the file format.
const Version = "1.0"

// File is the default name of the configuration file.
const File = "aphex-config.yaml"

// RequireCluster checks that the configuration has the keys that a pipeline on a
// cluster requires beyond a local run. Its error is Problems: every missing key.
func (c *Config) RequireCluster() error {
	var missing Problems
	value := reflect.ValueOf(c).Elem()
	for _, f := range fieldsOf(value.Type()) {
		if f.need == "cluster" && value.Field(f.index).IsZero() {
			missing = append(missing, Problem{
				Path: f.key, Hint: exampleOf(f),
				Message: "there is no " + f.key + ", which a pipeline on a cluster needs: expected " + describe(f.typ, f),
			})
		}
	}
	if missing == nil {
		return nil
	}
	return missing
}

// EnvironmentNames returns the names of the environments, in the order of the file.
func (c *Config) EnvironmentNames() []string {
	names := make([]string, len(c.Environments))
	for i, env := range c.Environments {
		names[i] = env.Name
	}
	return names
}

// Environment returns the environment with that name, and whether it exists.
func (c *Config) Environment(name string) (Environment, bool) {
	for _, env := range c.Environments {
		if env.Name == name {
			return env, true
		}
	}
	return Environment{}, false
}

// NoEnvironment is the error for an unknown environment, with all names and the
// nearest one.
func (c *Config) NoEnvironment(name string) error {
	var names []string
	for _, env := range c.Environments {
		names = append(names, env.Name)
	}
	return fmt.Errorf("%s has no environment %q: its environments are %s%s", File, name, strings.Join(names, ", "),
		strings.TrimRight("; "+didYouMean(nearest(name, names)), "; "))
}

// StackNames returns the names of the environment's stacks in the listed order,
// or nil for an unknown environment.
func (c *Config) StackNames(environment string) []string {
	env, _ := c.Environment(environment)
	return env.StackNames()
}

// AllRegions returns every region that stacks and assets of the environment may be in, each once.
func (e Environment) AllRegions() []string { return ReachedRegions(e.Region, e.Regions) }

// Qualifiers returns the qualifiers of the CDK bootstraps that the environment uses, at least one.
func (e Environment) Qualifiers() []string {
	if len(e.BootstrapQualifiers) == 0 {
		return usualQualifiers()
	}
	return e.BootstrapQualifiers
}

func usualQualifiers() []string {
	key, _ := lookup(reflect.TypeFor[Environment](), "bootstrapQualifiers")
	return splitList(key.initial)
}

// StackNames returns the names of the environment's stacks in the listed order.
func (e Environment) StackNames() []string {
	names := make([]string, 0, len(e.Stacks))
	for _, stack := range e.Stacks {
		names = append(names, stack.Name)
	}
	return names
}

// Accepts reports whether a text is a valid value for a key of the mapping, as in
// Accepts[Stack]("name", "ApiStack"). It is false for an unknown key.
func Accepts[Mapping Config | Stack | Environment | Build](key, text string) bool {
	f, known := lookup(reflect.TypeFor[Mapping](), key)
	return known && f.rule != "" && holds(f.rule, text)
}
