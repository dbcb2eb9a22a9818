package checkout

import (
	"os"
	"slices"
	"strings"
)

// ownPrefix begins the names of our own inputs, among them the git token.
const ownPrefix = "APHEX_"

// Environ gives the environment of commands: our own without the inputs of the
// stage (APHEX_*), CI=true unless it is set, and what is given, which wins.
func Environ(given ...string) []string {
	replaced := map[string]bool{}
	for _, entry := range given {
		replaced[nameOf(entry)] = true
	}
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, ownPrefix) || replaced[nameOf(entry)]
	})
	if _, set := os.LookupEnv("CI"); !set && !replaced["CI"] {
		environ = append(environ, "CI=true") // no prompts, no watching for changes, no colours meant for a person
	}
	return append(environ, given...)
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
