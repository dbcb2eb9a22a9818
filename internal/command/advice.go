package command

import "regexp"

// advice says what to do about causes outside of a program, by how the usual programs
// print them. The first that matches is the nearest cause.
var advice = []struct {
	printed *regexp.Regexp
	hint    string
}{
	{
		regexp.MustCompile(`\bENOSPC\b|[Nn]o space left on device|[Dd]isk quota exceeded`),
		"the disk is full: free disk space there; in a pod of a run, raise podLimits.storage in the configuration",
	},
	{
		regexp.MustCompile(`CERTIFICATE_VERIFY_FAILED|\bSELF_SIGNED_CERT_IN_CHAIN\b|\bDEPTH_ZERO_SELF_SIGNED_CERT\b|\bUNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT\w*)|` +
			`[Uu]nable to get local issuer certificate|[Ss]elf[- ]signed certificate|x509: certificate signed by unknown authority|PKIX path building failed`),
		"a host has a certificate of an authority that is not trusted here; for the pods of runs, set caBundle in the configuration to a ConfigMap with that authority",
	},
	{
		regexp.MustCompile(`Name or service not known|[Tt]emporary failure in name resolution|nodename nor servname provided|getaddrinfo E\w+|\bEAI_AGAIN\b|\bENETUNREACH\b|\bEHOSTUNREACH\b|` +
			`Could not resolve (?:host|proxy)|dial tcp: lookup .*: no such host|UnknownHostException|Network is unreachable|NewConnectionError|ConnectTimeoutError|` +
			`connect E(?:TIMEDOUT|CONNREFUSED)|Unable to load the service index for source`),
		"a host that the command needs, such as a package index, was not reached: check its name and whether this machine may connect to it; " +
			"for the pods of runs, set proxy in the configuration, or the address of an index of yours in build.env, such as PIP_INDEX_URL or NPM_CONFIG_REGISTRY",
	},
}

// Advice returns a hint for a program that failed for a reason outside of it, such as a
// package index that it did not reach, as far as its output says so; "" otherwise.
func Advice(output string) string {
	for _, one := range advice {
		if one.printed.MatchString(output) {
			return one.hint
		}
	}
	return ""
}
