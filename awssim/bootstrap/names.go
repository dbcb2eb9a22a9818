package bootstrap

import (
	"regexp"
	"strings"
)

// Environment is one bootstrap of one account and region.
type Environment struct{ Account, Region, Qualifier string }

const (
	// DefaultQualifier is the part of the resources' names that the CDK uses by default.
	DefaultQualifier = "hnb659fds"
	toolkit          = "CDKToolkit"
)

// StackName returns the name of the environment's stack: the CDK CLI's for the default
// qualifier, and a different one for every other.
func (e Environment) StackName() string {
	if e.Qualifier == DefaultQualifier {
		return toolkit
	}
	return toolkit + "-" + strings.ReplaceAll(e.Qualifier, "_", "-")
}

// Parameter returns the name of the SSM parameter with the bootstrap's version.
func (e Environment) Parameter() string { return "/cdk-bootstrap/" + e.Qualifier + "/version" }

// Role returns the name of the role that deploys stacks.
func (e Environment) Role() string {
	return "cdk-" + e.Qualifier + "-deploy-role-" + e.Account + "-" + e.Region
}

const (
	qualifier = `([A-Za-z0-9_-]{1,10})`
	place     = `(\d{12})-([a-z]{2,4}(?:-[a-z]+)+-\d+)`
)

var (
	owned = regexp.MustCompile(`\bcdk-` + qualifier + `-(?:deploy-role|file-publishing-role|image-publishing-role|lookup-role|cfn-exec-role|assets|container-assets)-` + place)
	aside = regexp.MustCompile(`/cdk-bootstrap/` + qualifier + `/version`)
)

// Named finds the bootstrap that a text of a call refers to, such as the ARN of a role, the
// name of a bucket, or a template with a reference to the bootstrap's version. Account and
// region that the text lacks are those of the call.
func Named(text string, call Environment) (Environment, bool) {
	if !strings.Contains(text, "cdk-") { // most texts, some of them large
		return call, text == toolkit
	}
	if found := owned.FindStringSubmatch(text); found != nil {
		return Environment{Qualifier: found[1], Account: found[2], Region: found[3]}, true
	}
	if found := aside.FindStringSubmatch(text); found != nil {
		call.Qualifier = found[1]
		return call, true
	}
	return call, false
}
