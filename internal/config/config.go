package config

// Version is the only version of the file format that this program reads.
const Version = "1.0"

// File is the name of the configuration file when none is given.
const File = "aphex-config.yaml"

// Environment gives the environment of that name, and whether there is one.
func (c *Config) Environment(name string) (Environment, bool) {
	for _, env := range c.Environments {
		if env.Name == name {
			return env, true
		}
	}
	return Environment{}, false
}

// StackNames gives the names of the environment's stacks in the listed order,
// or nil when there is no such environment.
func (c *Config) StackNames(environment string) []string {
	env, _ := c.Environment(environment)
	return env.StackNames()
}

// StackNames gives the names of the environment's stacks in the listed order.
func (e Environment) StackNames() []string {
	names := make([]string, 0, len(e.Stacks))
	for _, stack := range e.Stacks {
		names = append(names, stack.Name)
	}
	return names
}
