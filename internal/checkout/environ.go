package checkout

import (
	"os"
	"slices"
	"strings"
)

// ownPrefix is the prefix of the variables of stages, including the one with the git token.
const ownPrefix = "APHEX_"

// awsPrefix is the prefix of the variables of AWS SDKs. Among them are keys, profiles, files
// with tokens, and addresses that issue credentials, so that commands get none but awsSettings.
const awsPrefix = "AWS_"

// awsSettings are the variables of AWS SDKs that say where AWS is. Those of single services
// have more behind the last one.
var awsSettings = []string{
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_ENDPOINT_URL",
}

// noCredentials are the variables that keep an SDK from profiles, which take precedence over
// the credentials that a command is given, and from the identity of the machine.
var noCredentials = []string{"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_CONFIG_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true"}

// Environ returns the environment for commands: base, the environment of their runner,
// without the inputs of a stage (APHEX_*) and without credentials for AWS, CI=true unless
// it is set, and given, which takes precedence.
func Environ(base []string, given ...string) []string {
	given = append(slices.Clone(noCredentials), given...)
	replaced, isCI := map[string]bool{}, func(entry string) bool { return nameOf(entry) == "CI" }
	for _, entry := range given {
		replaced[nameOf(entry)] = true
	}
	environ := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name := nameOf(entry)
		return strings.HasPrefix(name, ownPrefix) || replaced[name] || strings.HasPrefix(name, awsPrefix) && !isSetting(name)
	})
	if !slices.ContainsFunc(base, isCI) && !replaced["CI"] {
		environ = append(environ, "CI=true") // no prompts, no watch mode, no colours
	}
	return append(environ, given...)
}

func isSetting(name string) bool {
	return slices.Contains(awsSettings, name) || strings.HasPrefix(name, "AWS_ENDPOINT_URL_")
}

func nameOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
