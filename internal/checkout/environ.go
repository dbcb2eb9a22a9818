package checkout

import (
	"slices"
	"strings"
)

// ownPrefix is the prefix of the variables of stages, including the one with the git token.
const ownPrefix = "APHEX_"

// Environ returns the environment for commands: base, the environment of their runner,
// without the inputs of a stage (APHEX_*), CI=true unless it is set, and given, which
// takes precedence.
func Environ(base []string, given ...string) []string {
	replaced, isCI := map[string]bool{}, func(entry string) bool { return nameOf(entry) == "CI" }
	for _, entry := range given {
		replaced[nameOf(entry)] = true
	}
	environ := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		return strings.HasPrefix(entry, ownPrefix) || replaced[nameOf(entry)]
	})
	if !slices.ContainsFunc(base, isCI) && !replaced["CI"] {
		environ = append(environ, "CI=true") // no prompts, no watch mode, no colours
	}
	return append(environ, given...)
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
