package bucket

// ReachedKey is the key of the newest commit whose deployment to an environment a run began.
func ReachedKey(environment string) string { return reached.key(environment) }

// ReachedPrefix is the prefix of these keys.
func ReachedPrefix() string { return reached.prefix() }

// ReachedEnvironment returns the environment whose newest commit a key holds, if it is such a key.
func ReachedEnvironment(key string) (environment string, ok bool) {
	values, ok := reached.parse(key)
	return values["environment"], ok
}

// OrderKey is the key of the order of the runs.
func OrderKey() string { return order.key() }

// StacksKey is the key of the inventory of an environment: the stacks that runs have deployed to it.
func StacksKey(environment string) string { return stacks.key(environment) }

// StacksPrefix is the prefix of the keys of all inventories.
func StacksPrefix() string { return stacks.prefix() }

// StacksEnvironment returns the environment in the key of an inventory.
func StacksEnvironment(key string) (environment string, ok bool) {
	values, ok := stacks.parse(key)
	return values["environment"], ok
}

// DurationsKey is the key of the deployment durations of an environment's stacks.
func DurationsKey(environment string) string { return durations.key(environment) }

// DurationsPrefix is the prefix of these keys.
func DurationsPrefix() string { return durations.prefix() }
