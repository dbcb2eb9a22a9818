package bucket

// FreezeKey is the key of the freeze of an environment that a person made.
func FreezeKey(environment string) string { return freezes.key(environment) }

// FreezesPrefix is the prefix of these keys.
func FreezesPrefix() string { return freezes.prefix() }

// FrozenEnvironment returns the environment whose freeze has a key, if it is such a key.
func FrozenEnvironment(key string) (environment string, ok bool) {
	values, ok := freezes.parse(key)
	return values["environment"], ok
}

// OverridesKey is the key of the gates of an environment that a person lets a run pass.
func OverridesKey(run, environment string) string { return overrides.key(run, environment) }

// OverridesPrefix is the prefix of these keys.
func OverridesPrefix() string { return overrides.prefix() }

// AskedKey is the key of what the gates of a run look at.
func AskedKey(run string) string { return asked.key(run) }

// DecisionsKey is the key of who approved or rejected the deployment of a run to an environment.
func DecisionsKey(run, environment string) string { return decisions.key(run, environment) }

// ApprovalsPrefix is the prefix of both.
func ApprovalsPrefix() string { return decisions.prefix() }
