package checkout

import (
	"os"
	"slices"
	"strings"
)

// ownPrefix is the prefix of the variables of stages, including the one with the git token.
const ownPrefix = "APHEX_"

// Environ returns the environment for commands: that of this process without the inputs
// of the stage (APHEX_*), CI=true unless it is set, and given, which takes precedence.
func Environ(given ...string) []string {
	replaced := map[string]bool{}
	for _, entry := range given {
		replaced[nameOf(entry)] = true
	}
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, ownPrefix) || replaced[nameOf(entry)]
	})
	if _, set := os.LookupEnv("CI"); !set && !replaced["CI"] {
		environ = append(environ, "CI=true") // no prompts, no watch mode, no colours
	}
	return append(environ, given...)
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
